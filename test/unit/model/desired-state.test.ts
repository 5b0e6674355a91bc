import { describe, expect, it } from 'vitest';
import { buildDesiredState } from '../../../src/model/desired-state.ts';
import { parseSettings } from '../../../src/model/settings/settings.ts';
import type { OwnedService, Snapshot, SwarmService } from '../../../src/model/snapshot.ts';
import { aNetwork, aNode, aService } from '../../support/builders.ts';

function snapshot(services: readonly SwarmService[], more: Partial<Snapshot> = {}): Snapshot {
  const names = [...new Set(services.flatMap(({ networkIds }) => networkIds))];
  const nothing = { hostTasks: [], configs: [], secrets: [], owned: [] };
  return { services, networks: names.map((name) => aNetwork(name)), nodes: [aNode('node')], ...nothing, ...more };
}

function desired(services: readonly SwarmService[], document: Readonly<Record<string, unknown>> = {}) {
  return buildDesiredState(snapshot(services), parseSettings(document, '1').settings);
}

const replicas = (count: number) => ({ mode: { kind: 'replicated', replicas: count } }) as const;

describe('the memory for upstreams', () => {
  const zone = (services: readonly SwarmService[], document = {}) => desired(services, document).clusters[0]!.zoneKb;

  it('stays the same while services are scaled in ordinary steps', () => {
    expect(new Set([0, 1, 3, 10, 50, 100].map((count) => zone([aService('app', replicas(count))])))).toEqual(
      new Set([512]),
    );
  });

  it('has room for twice as many tasks at the measured 1.2 KB each', () => {
    for (const count of [200, 500, 1000, 3000]) {
      expect(zone([aService('app', replicas(count))])).toBeGreaterThan(2 * 1.2 * count);
    }
  });

  it('is a power of two, and at least the value in the settings', () => {
    const config = { Extensions: { default: { Config: { UpstreamZoneSize: 3000 } } } };

    expect(zone([], config)).toBe(4096);
    expect(Math.log2(zone([aService('app', replicas(700))])) % 1).toBe(0);
  });

  it('is limited if the number of replicas is a typing error', () => {
    expect(zone([aService('app', replicas(1_000_000_000))])).toBeLessThanOrEqual(32_768);
  });

  it('counts one for a virtual address, and every node for a global service', () => {
    const nodes = Array.from({ length: 500 }, (_, position) => aNode(`node${position}`));
    const { settings } = parseSettings({}, '1');
    const zoneOf = (service: SwarmService) =>
      buildDesiredState(snapshot([service], { nodes }), settings).clusters[0]!.zoneKb;

    expect(zoneOf(aService('app', { ...replicas(1000), lb: { backend_mode: 'vip' } }))).toBe(512);
    expect(zoneOf(aService('app', { mode: { kind: 'global' } }))).toBe(2048);
  });
});

describe('a service', () => {
  const clusters = { Extensions: { default: {}, east: { ServiceCluster: 'east' } } };

  it('is published only by the cluster of its label', () => {
    const services = [aService('here'), aService('there', { lb: { service_cluster: 'east' } })];

    const state = desired(services, clusters);

    expect(
      state.clusters.map(({ cluster, routes }) => [cluster.name, routes.map(({ service }) => service.name)]),
    ).toEqual([
      ['default', ['here']],
      ['east', ['there']],
    ]);
    expect(state.problems).toEqual([]);
  });

  it('of an unknown cluster is published nowhere, and its problem lists the known ones', () => {
    const state = desired([aService('lost', { lb: { service_cluster: 'west' } })], clusters);

    expect(state.clusters.flatMap(({ routes }) => routes)).toEqual([]);
    expect(state.problems).toMatchObject([
      { service: 'lost', value: 'west', remedy: 'Name one of: east, the default cluster.' },
    ]);
  });

  it('makes the proxies join only its network, and each network once', () => {
    const services = [
      aService('a'),
      aService('b'),
      aService('c', { networks: ['app', 'data'], lb: { network: 'app' } }),
    ];

    expect(desired(services).clusters[0]!.networkIds).toEqual(['app']);
  });

  it('outside the networks of its cluster answers 503, and its network is not joined', () => {
    const services = [aService('inside', { networks: ['front'] }), aService('outside', { networks: ['back'] })];

    const state = desired(services, { Extensions: { default: { Networks: ['front'] } } });

    expect(state.clusters[0]!.networkIds).toEqual(['front']);
    expect(state.clusters[0]!.routes.map(({ service, backend }) => [service.name, backend.kind])).toEqual([
      ['inside', 'peers'],
      ['outside', 'unavailable'],
    ]);
    expect(state.problems).toMatchObject([{ service: 'outside', cluster: 'default', label: 'com.docker.lb.network' }]);
  });

  it.each`
    settings                                                               | remedy
    ${{}}                                                                  | ${undefined}
    ${{ ProxyImage: 'registry.example.org/mirror/signalbox-proxy:1' }}     | ${undefined}
    ${{ ProxyImage: 'registry.example.org/signalbox/proxy@sha256:0' }}     | ${undefined}
    ${{ HitlessServiceUpdate: false }}                                     | ${undefined}
    ${{ ProxyImage: 'example.org/edge:2' }}                                | ${undefined}
    ${{ ProxyImage: 'example.org/edge:2', HitlessServiceUpdate: false }}   | ${'HitlessServiceUpdate = true'}
    ${{ ProxyImage: 'nginx:1.30' }}                                        | ${'remove Extensions.default.ProxyImage'}
    ${{ ProxyImage: 'nginx:1.30', HitlessServiceUpdate: false }}           | ${'remove Extensions.default.ProxyImage'}
    ${{ ProxyImage: 'example.org:5000/nginxinc/nginx-unprivileged:1.30' }} | ${'remove Extensions.default.ProxyImage'}
    ${{ TargetPort: 10248 }}                                               | ${'change Extensions.default.TargetPort from 10248'}
    ${{ TargetSSLPort: 10248 }}                                            | ${'change Extensions.default.TargetSSLPort from 10248'}
  `('on an upper-case network answers with $settings: $remedy', ({ settings, remedy }) => {
    const services = [aService('web', { networks: ['ProxyNet'] }), aService('lower')];

    const { clusters, problems } = desired(services, { Extensions: { default: settings } });

    const kinds = Object.fromEntries(clusters[0]!.routes.map(({ service, backend }) => [service.name, backend.kind]));
    expect(kinds).toEqual({ lower: 'peers', web: remedy === undefined ? 'peers' : 'unavailable' });
    expect(clusters[0]!.networkIds).toEqual(remedy === undefined ? ['ProxyNet', 'app'] : ['app']);
    if (remedy === undefined) expect(problems).toEqual([]);
    else
      expect(problems).toEqual([
        {
          id: 'network-upper-case',
          severity: 'error',
          service: 'web',
          cluster: 'default',
          label: 'com.docker.lb.network',
          value: 'ProxyNet',
          reason: expect.stringMatching(/ProxyNet.*web.*lower case.*case-sensitive/),
          remedy: expect.stringContaining(remedy),
        },
      ]);
  });

  it('has a problem that names the network of its cluster that differs only in case', () => {
    const { problems } = desired([aService('app', { networks: ['ProxyNet'] })], {
      Extensions: { default: { Networks: ['proxynet'] } },
    });

    expect(problems).toContainEqual(expect.objectContaining({ value: 'proxynet', remedy: 'Did you mean ProxyNet?' }));
  });

  it('that is scaled to zero answers 503, and not from addresses of others', () => {
    const [route] = desired([aService('app', replicas(0))]).clusters[0]!.routes;

    expect(route!.backend).toEqual({ kind: 'unavailable' });
  });

  it('without tasks has its network joined: the first task does not replace the proxies', () => {
    expect(desired([aService('app', replicas(0))]).clusters[0]!.networkIds).toEqual(['app']);
  });

  it.each([
    ['has no port', { lb: { port: '' } }],
    ['has an invalid protective label', { lb: { allow: 'nobody' } }],
    ['names a secret that does not exist', { lb: { ssl_cert: 'missing', ssl_key: 'missing' } }],
    ['waits for its first certificate', { lb: { acme: 'true' } }],
    ['cannot have a certificate', { lb: { acme: 'true', hosts: '*.example.org' } }],
  ])('that %s neither joins nor leaves its network: the proxies are not replaced', (_, service) => {
    const table = { Directory: 'https://acme.example.org/', Email: 'ops@example.org', AcceptTerms: true };
    const { settings } = parseSettings({ Acme: { ca: table } }, '1');
    const services = [aService('app', service)];
    const build = (networkIds: readonly string[]) => {
      const owned = [{ role: 'proxy', cluster: 'default', networkIds } as OwnedService];
      return buildDesiredState(snapshot(services, { owned }), settings).clusters[0]!;
    };

    expect(build(['other']).routes.map(({ backend }) => backend.kind)).toEqual(['unavailable']);
    expect(build(['other']).networkIds).toEqual([]);
    expect(build(['other', 'app']).networkIds).toEqual(['app']);
  });

  it('whose TCP route is closed neither joins nor leaves its network', () => {
    const { settings } = parseSettings({ Extensions: { default: { TcpPorts: [5432] } } }, '1');
    const services = [aService('db', { lb: { tcp_port: '5432', hosts: '', tcp_tls: 'missing' } })];
    const networks = (networkIds: readonly string[]) => {
      const owned = [{ role: 'proxy', cluster: 'default', networkIds } as OwnedService];
      return buildDesiredState(snapshot(services, { owned }), settings).clusters[0]!.networkIds;
    };

    expect(networks([])).toEqual([]);
    expect(networks(['app'])).toEqual(['app']);
  });

  it('without labels is ignored', () => {
    const service = { ...aService('app'), labels: { 'com.example': 'x' } };

    expect(desired([service])).toMatchObject({ clusters: [{ routes: [], networkIds: [] }], problems: [] });
  });
});

describe('the secret for metrics', () => {
  const secrets = [{ id: 'id-of-token', name: 'token', createdAt: '', labels: {} }];
  const stateOf = (cluster: object, more: Partial<Snapshot> = { secrets }) => {
    const { settings } = parseSettings({ Extensions: { default: { MetricsSecret: 'token', ...cluster } } }, '1');
    const { clusters, problems } = buildDesiredState(snapshot([aService('app')], more), settings);
    return { ...clusters[0]!, problems };
  };

  it('is the one in the settings, and undefined without them', () => {
    expect(stateOf({}).metricsSecret).toEqual({ id: 'id-of-token', name: 'token' });
    expect(stateOf({ MetricsSecret: '' })).toMatchObject({ metricsSecret: undefined, problems: [] });
  });

  it.each([
    ['is missing', {}, { secrets: [] }, 'is not a secret of this swarm'],
    ['contradicts another setting', { Metrics: false }, undefined, 'has no effect: Metrics is false'],
    ['has nobody to use it', { HitlessServiceUpdate: false }, undefined, 'has no effect: without HitlessServiceUpdate'],
    [
      'would take the port of routes',
      { TargetPort: 9146 },
      undefined,
      'has no effect: metrics are exposed on port 9146',
    ],
    ['would take that for TLS', { TargetSSLPort: 9146 }, undefined, 'has no effect: metrics are exposed on port 9146'],
  ])('that %s is a problem of the settings, and of no route', (_, cluster, more, reason) => {
    const { metricsSecret, routes, problems } = stateOf(cluster, more);

    expect(metricsSecret).toBeUndefined();
    expect(routes[0]!.backend.kind).toBe('peers');
    expect(problems).toMatchObject([
      { severity: 'warning', cluster: 'default', label: 'Extensions.default.MetricsSecret', value: 'token' },
    ]);
    expect(problems[0]!.reason).toContain(reason);
  });
});
