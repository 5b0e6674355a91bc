import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { buildDesiredState } from '../../../src/model/desired-state.ts';
import { labels } from '../../../src/model/labels/labels.ts';
import type { Redirect } from '../../../src/model/redirects.ts';
import { parseSettings } from '../../../src/model/settings/settings.ts';
import type { SwarmService } from '../../../src/model/snapshot.ts';
import { aNetwork, aService } from '../../support/builders.ts';

const nothing = { nodes: [], hostTasks: [], configs: [], owned: [], secrets: [] };

function stateOf(services: readonly SwarmService[], ports: Readonly<Record<string, number>> = {}) {
  const { settings } = parseSettings({ Extensions: { default: ports } }, '1');
  const { clusters, problems } = buildDesiredState({ services, networks: [aNetwork('app')], ...nothing }, settings);
  const written = clusters[0]!.routes.flatMap(({ redirects, pathRedirects = [] }) => [...redirects, ...pathRedirects]);
  return { targets: written.map(({ target }) => target), routes: clusters[0]!.routes, problems };
}

const redirecting = (redirects: string, more: Readonly<Record<string, string>> = {}) =>
  aService('app', { host: 'app,a,b,c', lb: { redirects, ...more } });

describe('a redirect to itself', () => {
  it.each([
    'http://app,http://app',
    'https://app,https://app',
    'http://app,http://app:80',
    'https://app,https://app:443',
    'http://App,http://aPP.',
    'HTTP://app/,http://app/',
    // A source with https also stands for HTTP.
    'https://app,http://app',
    'http://app,http://app:8080',
    'https://app,https://app:8443',
    'http://a,http://b;http://b,http://a',
    'http://a,https://b;https://b,http://a',
    'http://a,http://b;http://b,http://c;http://c,http://a',
    'http://a/x,http://a/x',
    'http://a,http://a/new',
    'http://a/x,http://a/x/y',
    'http://a/x,http://b/y/z;http://b/y,http://a/x/z',
  ])('is ignored with a problem: %s', (redirects) => {
    const { targets, problems } = stateOf([redirecting(redirects)]);

    expect(targets).toEqual([]);
    expect(problems).not.toEqual([]);
    for (const problem of problems)
      expect(problem).toMatchObject({ severity: 'error', service: 'app', label: 'com.docker.lb.redirects' });
  });

  it.each([
    'http://app,https://app',
    'http://app,https://app:8443',
    'http://app,http://app:9000',
    'https://app,https://app:9443',
    'http://a,http://b',
    'http://a,http://b;http://b,http://c',
    'http://a,http://b;http://b,https://a',
    'https://a,http://b;http://b,http://elsewhere',
    'http://a/x,http://a/y',
    'http://a/x,http://a',
    'http://a/x,http://b;http://b/y,http://a/x',
  ])('does not include %s', (redirects) => {
    expect(stateOf([redirecting(redirects)])).toMatchObject({
      targets: labels.redirects.schema.parse(redirects).map(({ redirect }) => redirect!.target),
      problems: [],
    });
  });

  it('does not affect a redirect that only leads into a loop', () => {
    expect(stateOf([redirecting('http://a,http://b;http://b,http://b')]).targets).toEqual(['http://b']);
  });

  it('depends on the published ports', () => {
    const services = [redirecting('http://app,http://app:9000')];

    expect(stateOf(services, { PublishedPort: 9000 }).targets).toEqual([]);
    expect(stateOf([redirecting('http://app,http://app:8080')], { PublishedPort: 9000 }).targets).toHaveLength(1);
  });

  it('is found across two services, and across the groups of one', () => {
    const at = (name: string, redirects: string) => aService(name, { host: name, lb: { redirects } });
    const group = {
      'com.docker.lb.2.hosts': 'b',
      'com.docker.lb.2.port': '80',
      'com.docker.lb.2.redirects': 'http://b,http://a',
    };

    const two = stateOf([at('a', 'http://a,http://b'), at('b', 'http://b,http://a')]);
    const one = stateOf([aService('a', { host: 'a', lb: { redirects: 'http://a,http://b' }, labels: group })]);

    expect(two).toMatchObject({ targets: [], problems: [{ service: 'a' }, { service: 'b' }] });
    expect(one.targets).toEqual([]);
    expect(one.problems.map(({ label }) => label)).toEqual(['com.docker.lb.2.redirects', 'com.docker.lb.redirects']);
  });

  it('is reported under the label of the HTTP Routing Mesh', () => {
    const mesh = { 'com.docker.ucp.mesh.http': 'external_route=http://app,internal_port=80,redirect=http://app' };
    const { targets, problems } = stateOf([{ ...aService('app'), labels: mesh }]);

    expect(targets).toEqual([]);
    expect(problems.filter(({ severity }) => severity === 'error')).toMatchObject([
      { label: 'com.docker.ucp.mesh.http' },
    ]);
  });

  it('is never left among any redirects: a client that follows them arrives', () => {
    const origin = fc
      .tuple(
        fc.constantFrom('http', 'https'),
        fc.constantFrom('a', 'b', 'c'),
        fc.constantFrom('', ':80', ':443', ':8080'),
      )
      .map(([scheme, host, port]) => `${scheme}://${host}${port}`);
    fc.assert(
      fc.property(fc.array(fc.tuple(origin, origin), { maxLength: 5 }), (pairs) => {
        const { settings } = parseSettings({}, '1');
        const services = [redirecting(pairs.map((pair) => pair.join()).join(';'))];
        const { clusters } = buildDesiredState({ services, networks: [aNetwork('app')], ...nothing }, settings);
        const left = clusters[0]!.routes.flatMap(({ redirects }) => redirects);
        for (const { host, secure } of left) {
          for (const scheme of secure ? ['http:', 'https:'] : ['http:']) expect(follow(left, scheme, host)).toBe(true);
        }
      }),
    );
  });
});

/** As clients do, which give up after some redirects. The proxies' ports are those of the default settings. */
function follow(redirects: readonly Redirect[], scheme: string, host: string): boolean {
  let at = { scheme, host };
  for (let step = 0; step < 20; step++) {
    const found = redirects.find((one) => one.host === at.host && (one.secure || at.scheme === 'http:'));
    if (found === undefined) return true;
    const { protocol, hostname, port } = new URL(found.target);
    if (!['', protocol === 'http:' ? '8080' : '8443'].includes(port)) return true;
    at = { scheme: protocol, host: hostname };
  }
  return false;
}

it('makes way for a route with a longer path', () => {
  const redirects = 'http://app,http://app/start';

  expect(stateOf([redirecting(redirects, { context_root: '/start' })]).problems).toEqual([]);
});

it('counts the way to the canonical host', () => {
  const { routes, problems } = stateOf([redirecting('http://a,http://b', { canonical_host: 'a' })]);

  expect(routes[0]).toMatchObject({ redirects: [] });
  expect(routes[0]).not.toHaveProperty('canonicalHost');
  expect(problems.map(({ label }) => label).toSorted()).toEqual([
    'com.docker.lb.canonical_host',
    'com.docker.lb.redirects',
  ]);
});
