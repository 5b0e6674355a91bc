import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { buildDesiredState } from '../../../src/model/desired-state.ts';
import type { Location } from '../../../src/model/route-table/table.ts';
import { parseSettings } from '../../../src/model/settings/settings.ts';
import type { SwarmService } from '../../../src/model/snapshot.ts';
import { aNetwork, aService } from '../../support/builders.ts';

const { settings } = parseSettings({}, '1');

function tableOf(...services: readonly SwarmService[]) {
  const nothing = { nodes: [], hostTasks: [], configs: [], owned: [] };
  const secrets = ['cert', 'ca', 'other-ca', 'crl', 'other-crl'].map((name) => ({
    id: name,
    name,
    createdAt: '',
    labels: {},
  }));
  const networks = [aNetwork('app')];
  return buildDesiredState({ services, networks, secrets, ...nothing }, settings).clusters[0]!.table;
}

const older = { createdAt: '2026-01-01T00:00:00Z' };
const younger = { createdAt: '2026-01-02T00:00:00Z' };
const owners = (locations: readonly Location[]) => locations.map(({ path, services }) => [path, ...services]);

describe('the route table', () => {
  it('has exact hosts first, then wildcards, then expressions, the longer first', () => {
    const hosts = '~^a.*$,*.example.org,www.example.org,~^abc.*$,b.example.org,*.a.example.org';

    expect(tableOf(aService('app', { host: hosts })).servers.map(({ host }) => host.name)).toEqual([
      'b.example.org',
      'www.example.org',
      '*.a.example.org',
      '*.example.org',
      'abc.*',
      'a.*',
    ]);
  });

  it('has the longest path first, and every service separately', () => {
    const at = (name: string, path: string) => aService(name, { host: 'app.example.org', lb: { context_root: path } });

    const { servers } = tableOf(at('root', '/'), at('app', '/app'), at('deep', '/app/v2/'), at('other', '/other'));

    expect(owners(servers[0]!.locations)).toEqual([
      ['/app/v2', 'deep'],
      ['/other', 'other'],
      ['/app', 'app'],
      ['', 'root'],
    ]);
  });

  it('lets services share a host and path, the oldest first, in one upstream', () => {
    const shared = { host: 'app.example.org' };

    const { servers, upstreams, problems } = tableOf(
      aService('green', { ...shared, ...younger }),
      aService('blue', { ...shared, ...older }),
    );

    expect(owners(servers[0]!.locations)).toEqual([['', 'blue', 'green']]);
    expect(upstreams.map(({ peers }) => peers.map(({ address }) => address))).toEqual([
      ['tasks.blue.app', 'tasks.green.app'],
    ]);
    expect(problems).toEqual([]);
  });

  it('leaves services without tasks out of a shared upstream, and answers 503 if none has one', () => {
    const none = { mode: { kind: 'replicated', replicas: 0 } } as const;
    const shared = { host: 'app.example.org' };

    const one = tableOf(aService('a', { ...shared, ...none }), aService('b', shared));
    const nobody = tableOf(aService('a', { ...shared, ...none }), aService('b', { ...shared, ...none }));

    expect(one.upstreams.map(({ peers }) => peers.map(({ address }) => address))).toEqual([['tasks.b.app']]);
    expect(nobody.upstreams).toEqual([]);
    expect(nobody.servers[0]!.locations).toMatchObject([{ upstream: undefined, services: ['a', 'b'] }]);
  });

  it.each`
    label                      | value     | option
    ${'context_root_rewrite'}  | ${'true'} | ${{ rewrite: false }}
    ${'ssl_only'}              | ${'true'} | ${{ sslOnly: false }}
    ${'backend_protocol'}      | ${'h2c'}  | ${{ protocol: 'http' }}
    ${'sticky_session_cookie'} | ${'sid'}  | ${{ affinity: { kind: 'none' } }}
  `("uses the older service's $label on conflict, and reports it to the younger", ({ label, value, option }) => {
    const shared = { host: 'app.example.org' };

    const { servers, problems } = tableOf(
      aService('younger', { ...shared, ...younger, lb: { [label]: value } }),
      aService('older', { ...shared, ...older }),
    );

    expect(servers[0]!.locations[0]!.options).toMatchObject(option);
    expect(problems).toMatchObject([{ severity: 'warning', service: 'younger', label: `com.docker.lb.${label}` }]);
  });

  const asking = (ca: string, more = {}) => ({ ssl_cert: 'cert', ssl_client_ca: ca, ...more });
  const verifying = (ca: string, more = {}) => ({ ssl_backend: 'true', ssl_backend_ca: ca, ...more });
  const modern = { ssl_cert: 'cert', ssl_protocols: 'TLSv1.3' };
  const optional = { ssl_client_verify: 'optional' };
  it.each([
    [{ ssl_backend: 'true' }, verifying('ca'), ['older']],
    [verifying('other-ca'), verifying('ca'), ['older']],
    [verifying('ca'), verifying('ca', { ssl_backend_name: 'x' }), ['older']],
    [verifying('ca'), verifying('ca'), ['older', 'younger']],
    [verifying('ca'), { ssl_backend: 'true' }, ['older', 'younger']],
    [{}, asking('ca'), ['older']],
    [{ ssl_cert: 'cert' }, asking('ca'), ['older']],
    [asking('ca', optional), asking('ca'), ['older']],
    [asking('other-ca'), asking('ca'), ['older']],
    [asking('ca'), asking('ca'), ['older', 'younger']],
    [asking('ca'), asking('ca', { ssl_client_crl: 'crl' }), ['older']],
    [asking('ca', { ssl_client_crl: 'other-crl' }), asking('ca', { ssl_client_crl: 'crl' }), ['older']],
    [asking('ca', { ssl_client_crl: 'crl' }), asking('ca', { ssl_client_crl: 'crl' }), ['older', 'younger']],
    [asking('ca', { ssl_client_crl: 'crl' }), asking('ca'), ['older', 'younger']],
    [asking('ca'), { ssl_cert: 'cert' }, ['older', 'younger']],
    [{ ssl_cert: 'cert' }, modern, ['older']],
    [modern, modern, ['older', 'younger']],
    [modern, { ssl_cert: 'cert' }, ['older', 'younger']],
    [modern, { ssl_cert: 'cert', ssl_protocols: 'TLSv1.2,TLSv1.3' }, ['older', 'younger']],
  ])('leaves out services that require protection that the older service does not have: %j, %j', (a, b, answering) => {
    const shared = { host: 'app.example.org' };

    const { upstreams, problems } = tableOf(
      aService('younger', { ...shared, ...younger, lb: b }),
      aService('older', { ...shared, ...older, lb: a }),
    );

    expect(upstreams.flatMap(({ peers }) => peers.map(({ address }) => address))).toEqual(
      answering.map((name) => `tasks.${name}.app`),
    );
    expect(problems.filter(({ severity }) => severity === 'error').map(({ service }) => service)).toEqual(
      answering.length === 1 ? ['younger'] : [],
    );
  });

  it('has parts of a host that require client certificates, and parts that do not', () => {
    const shared = { host: 'app.example.org' };

    const { servers, problems } = tableOf(
      aService('older', { ...shared, ...older, lb: asking('ca', optional) }),
      aService('younger', { ...shared, ...younger, lb: { ...asking('ca'), context_root: '/inner' } }),
    );

    expect(problems).toEqual([]);
    expect(servers[0]!.locations.map(({ path, options }) => [path, options.clientCertificate])).toEqual([
      ['/inner', 'required'],
      ['', 'optional'],
    ]);
  });

  it.each`
    ofOlder                              | ofYounger                            | redirect
    ${''}                                | ${'http://app.example.org,http://y'} | ${undefined}
    ${'http://app.example.org,http://x'} | ${''}                                | ${'http://x'}
    ${'http://app.example.org,http://x'} | ${'http://app.example.org,http://y'} | ${'http://x'}
  `('redirects a host as its oldest service says, and reports it to the younger: $ofOlder, $ofYounger', (row) => {
    const shared = { host: 'app.example.org' };

    const { servers, problems } = tableOf(
      aService('younger', { ...shared, ...younger, lb: { redirects: row.ofYounger } }),
      aService('older', { ...shared, ...older, lb: { redirects: row.ofOlder } }),
    );

    expect(servers[0]!.redirect?.target).toBe(row.redirect);
    expect(problems).toMatchObject([{ severity: 'warning', service: 'younger', label: 'com.docker.lb.redirects' }]);
  });

  it('breaks a tie of age by the id, so that two controllers agree', () => {
    const shared = { host: 'app.example.org', ...older };
    const services = [aService('b', shared), aService('a', shared)];

    expect(owners(tableOf(...services).servers[0]!.locations)).toEqual([['', 'a', 'b']]);
    expect(tableOf(...services)).toEqual(tableOf(...services.toReversed()));
  });

  it('keeps one upstream for the same tasks, however many hosts and paths lead there', () => {
    const { servers, upstreams } = tableOf(aService('app', { host: 'a.example.org,b.example.org,*.example.org' }));

    expect(servers).toHaveLength(3);
    expect(upstreams).toHaveLength(1);
  });

  it('names upstreams by their content', () => {
    const [one, two] = ['8080', '8081'].map((port) => tableOf(aService('app', { port })).upstreams[0]!.name);

    expect(one).toMatch(/^[0-9a-f]{16}-tasks\.app\.app-8080$/);
    expect(one).not.toBe(two);
    expect(tableOf(aService('app'), aService('other')).upstreams.map(({ name }) => name)).toContain(one);
  });

  it('answers for unknown hosts by path, and only through the default backend', () => {
    const { fallback, servers } = tableOf(
      aService('root', { host: '', lb: { default_backend: 'true' } }),
      aService('api', { host: '', lb: { default_backend: 'true', context_root: '/api' } }),
      aService('named'),
    );

    expect(owners(fallback)).toEqual([
      ['/api', 'api'],
      ['', 'root'],
    ]);
    expect(servers.map(({ host }) => host.name)).toEqual(['named.example.org']);
  });

  it('does not depend on the order of services', () => {
    const host = fc.constantFrom(
      'a.example.org',
      'b.example.org',
      '*.example.org',
      '~^x+$',
      'a.example.org,b.example.org',
    );
    const path = fc.constantFrom('/', '/app', '/app/v2');
    const service = fc.tuple(host, path, fc.boolean(), fc.nat(2));
    fc.assert(
      fc.property(fc.array(service, { maxLength: 8 }), fc.infiniteStream(fc.nat()), (drawn, order) => {
        const services = drawn.map(([host, path, rewrite, age], position) =>
          aService(`s${position}`, {
            host,
            createdAt: String(age),
            lb: { context_root: path, context_root_rewrite: String(rewrite) },
          }),
        );
        const shuffled = services
          .map((each) => ({ each, key: order.next().value }))
          .toSorted((a, b) => a.key - b.key)
          .map(({ each }) => each);

        expect(tableOf(...shuffled)).toEqual(tableOf(...services));
      }),
      { numRuns: 200 },
    );
  });
});

describe('services that share a host and path, but not their protection', () => {
  const shared = { host: 'app.example.org' };
  const build = (...services: readonly SwarmService[]) => {
    const secrets = ['users', 'others'].map((name) => ({ id: name, name, createdAt: '', labels: {} }));
    const nothing = { nodes: [], hostTasks: [], configs: [], owned: [] };
    const direct = parseSettings({ Extensions: { default: { PublishMode: 'host' } } }, '1').settings;
    const [state] = buildDesiredState({ services, networks: [aNetwork('app')], secrets, ...nothing }, direct).clusters;
    return state!.table;
  };

  it.each([
    ['allow', { allow: '10.0.0.0/8' }, {}],
    ['allow', { allow: '10.0.0.0/8' }, { allow: '10.0.0.0/16' }],
    ['allow', { deny: '10.0.0.0/8' }, {}],
    ['basic_auth', { basic_auth: 'users' }, {}],
    ['basic_auth', { basic_auth: 'users' }, { basic_auth: 'others' }],
    ['basic_auth', { basic_auth: 'users' }, { basic_auth: 'users', basic_auth_forward: 'true' }],
  ])('leave out the younger, whose %s the older does not have', (label, demanded, given) => {
    const { upstreams, problems } = build(
      aService('old', { ...shared, ...older, lb: given }),
      aService('young', { ...shared, ...younger, lb: demanded }),
    );

    expect(upstreams.flatMap(({ peers }) => peers.map(({ address }) => address))).toEqual(['tasks.old.app']);
    expect(problems.filter(({ severity }) => severity === 'error')).toMatchObject([
      { service: 'young', label: `com.docker.lb.${label}`, reason: expect.stringContaining('so young is ignored') },
    ]);
  });

  it.each([
    [{ allow: '10.0.0.0/8' }, {}],
    [{ basic_auth: 'users' }, {}],
    [
      { basic_auth: 'users', basic_auth_realm: 'One' },
      { basic_auth: 'users', basic_auth_realm: 'Two' },
    ],
  ])('share them if the older protects both: %j, %j', (given, demanded) => {
    const { upstreams, problems } = build(
      aService('old', { ...shared, ...older, lb: given }),
      aService('young', { ...shared, ...younger, lb: demanded }),
    );

    expect(upstreams[0]!.peers.map(({ address }) => address)).toEqual(['tasks.old.app', 'tasks.young.app']);
    expect(problems.every(({ severity }) => severity === 'warning')).toBe(true);
  });
});
