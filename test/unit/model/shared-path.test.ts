// Services that share a host and path by their labels `match` and `weight`, and what explains them.
import { describe, expect, it } from 'vitest';
import { routeAnswer } from '../../../src/model/backends/route-answer.ts';
import { buildDesiredState } from '../../../src/model/desired-state.ts';
import { explainUrl } from '../../../src/model/explain.ts';
import { parseSettings } from '../../../src/model/settings/settings.ts';
import type { SwarmService } from '../../../src/model/snapshot.ts';
import { routeFault } from '../../../src/protocol/route-message.ts';
import { aNetwork, aService } from '../../support/builders.ts';

const { settings } = parseSettings({}, '1');
const host = 'app.example.org';
let age = 0;
const at = (name: string, lb: Readonly<Record<string, string>>, more: Partial<SwarmService> = {}) =>
  aService(name, { host, createdAt: String(100 + age++), lb, ...more });
const idle = { mode: { kind: 'replicated', replicas: 0 } } as const;

function build(...services: readonly SwarmService[]) {
  const nothing = { nodes: [], hostTasks: [], configs: [], secrets: [], owned: [] };
  const desired = buildDesiredState({ services, networks: [aNetwork('app'), aNetwork('other')], ...nothing }, settings);
  const { table, routes } = desired.clusters[0]!;
  for (const route of routes) expect(routeFault(route)).toBeUndefined();
  return {
    table,
    locations: table.servers.flatMap(({ locations }) => locations),
    problems: [...desired.problems, ...table.problems].filter(({ severity }) => severity !== 'notice'),
    explain: (path: string) => explainUrl(table, `http://${host}${path}`, { httpsPort: 443 })!,
  };
}

describe('the order of services', () => {
  it('has the longest path first, then methods, headers and cookies, parameters, and the oldest', () => {
    const { locations, problems } = build(
      at('all', {}),
      at('parameter', { match: 'query:a' }),
      at('parameters', { match: 'query:a,query:b,query:c' }),
      at('headers', { match: 'header:A,header:B=1' }),
      at('cookies', { match: 'cookie:A,cookie:B,query:c' }),
      at('older', { match: 'header:A=1' }),
      at('younger', { match: 'header:A=2' }),
      at('method', { match: 'method:GET' }),
      at('method-and-header', { match: 'header:A,method:GET' }),
      at('long', { context_root: '/a', match: 'query:a' }),
    );

    expect(problems).toEqual([]);
    expect(locations.map(({ services }) => services[0])).toEqual([
      ...['long', 'method-and-header', 'method', 'cookies', 'headers', 'older', 'younger', 'parameters', 'parameter'],
      'all',
    ]);
  });

  it('does not depend on how equal conditions are written', () => {
    const { locations, problems } = build(
      at('a', { match: 'header:X-A=1, query:b' }),
      at('b', { match: 'query:b,header:x-a=1', max_body_size: '1m' }),
    );

    expect(locations.map(({ services }) => services)).toEqual([['a', 'b']]);
    expect(problems).toMatchObject([{ service: 'b', label: 'com.docker.lb.max_body_size' }]);
  });
});

describe('an invalid value of match', () => {
  it.each([
    ['takes no requests of the path', {}, {}],
    ['takes no requests of a shorter path', { context_root: '/api' }, {}],
  ])('%s', (_title, lb, other) => {
    const { locations, problems } = build(at('wrong', { ...lb, match: 'x' }), at('right', other));

    expect(locations.map(({ services }) => services)).toEqual([['right']]);
    expect(problems).toMatchObject([{ severity: 'error', service: 'wrong', label: 'com.docker.lb.match' }]);
  });

  it('closes the path for requests that no other service matches', () => {
    const { locations } = build(at('wrong', { match: 'x' }), at('right', { match: 'query:a' }));

    expect(locations.map(({ services, upstream }) => [services[0], upstream === undefined])).toEqual([
      ['right', false],
      ['wrong', true],
    ]);
  });

  it('closes a service that ends TLS itself', () => {
    const { problems } = build(at('app', { match: 'query:a', ssl_passthrough: 'true' }));

    expect(problems).toMatchObject([{ severity: 'error', label: 'com.docker.lb.match' }]);
  });
});

describe('an explanation', () => {
  const { explain } = build(
    at('all', {}),
    at('beta', { match: 'header:X-Beta, query:b' }),
    at('query', { match: 'query:v=a b' }),
    at('posts', { match: 'method:POST' }),
    at('heavy', { context_root: '/w', weight: '90' }),
    at('light', { context_root: '/w', weight: '10' }),
    at('asleep', { context_root: '/s', fallback: 'all:8080' }, idle),
  );

  it('names the conditions of the routes', () => {
    expect(explain('/?v=a%20b')).toMatchObject({
      answer: { kind: 'service', route: { services: ['query'], match: 'query:v=a b' } },
      because: [expect.any(String), 'The request matches query:v=a b, at the context root /.'],
    });
    const { answer, passedOver } = explain('/?b');
    expect(answer).toMatchObject({ route: { services: ['all'] } });
    expect(passedOver.find(({ route }) => route.services[0] === 'beta')).toEqual({
      route: { host, path: '/', match: 'header:x-beta, query:b', services: ['beta'] },
      reason: 'It receives only requests with header:x-beta, query:b.',
    });
  });

  it('names the weights', () => {
    const { because, passedOver } = explain('/w');

    expect(because.at(-1)).toBe('Its services share the requests by weight: heavy 90, light 10.');
    expect(passedOver.find(({ route }) => route.services[0] === 'light')?.reason).toBe(
      'It has a share of the requests by weight.',
    );
  });

  it('names the fallback', () => {
    expect(explain('/s/x')).toMatchObject({
      answer: { kind: 'service', requestUri: '/s/x' },
      because: [expect.any(String), expect.any(String), 'Its services have no tasks, so the fallback all answers.'],
    });
  });
});

describe('a fallback', () => {
  const unpublished = (name: string, networks: readonly string[]) => ({ ...aService(name, { networks }), labels: {} });
  const asleep = at('asleep', { fallback: 'waker:9000' }, idle);
  const answers = (...services: readonly SwarmService[]) => {
    const { locations, problems } = build(...services);
    const location = locations.find(({ services }) => services[0] === 'asleep')!;
    return { upstream: location.upstream, location, problems };
  };

  it('on a network of the service answers while it has no tasks', () => {
    const { upstream, location, problems } = answers(asleep, unpublished('waker', ['other', 'app']));

    expect(problems).toEqual([]);
    expect(upstream).toContain('tasks.waker.app-9000');
    const facts = { replicas: new Map(), backends: new Map(), errors: new Map(), unjoined: new Map() };
    expect(routeAnswer(host, location, { kind: 'none' }, facts)).toEqual({
      kind: 'service',
      text: 'no tasks: the fallback waker answers',
    });
  });

  it.each([
    ['on another network', [unpublished('waker', ['other'])], /has no task that the proxies reach on port 9000/],
    ['without tasks', [{ ...unpublished('waker', ['app']), ...idle }], /has no task/],
    ['that does not exist', [], /does not exist/],
    [
      'that others reach only under conditions',
      [aService('waker', { networks: ['other'], port: '9000', lb: { match: 'header:X-A' } })],
      /not this path to everybody/,
    ],
  ])('%s is reported, and changes nothing', (_title, others, reason) => {
    const { upstream, problems } = answers(asleep, ...others);

    expect(upstream).toBeUndefined();
    expect(problems).toMatchObject([{ service: 'asleep', label: 'com.docker.lb.fallback' }]);
    expect(problems[0]!.reason).toMatch(reason);
  });

  it('does not answer for a route that a label closes', () => {
    const closed = at('asleep', { fallback: 'waker:9000', rate_limit: 'much' }, idle);

    expect(answers(closed, unpublished('waker', ['app'])).upstream).toBeUndefined();
  });
});
