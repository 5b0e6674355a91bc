// TCP and UDP routes: who gets a port, and what never takes one from another service.
import { describe, expect, it } from 'vitest';
import { takenPorts } from '../../../src/model/access/administration.ts';
import { buildDesiredState } from '../../../src/model/desired-state.ts';
import { explainStream } from '../../../src/model/explain/explain-stream.ts';
import { desiredProxy } from '../../../src/model/own-services/owned-service.ts';
import { toRenderInput } from '../../../src/model/render-input.ts';
import { parseSettings } from '../../../src/model/settings/settings.ts';
import type { ServiceTask, Snapshot, SwarmService } from '../../../src/model/snapshot.ts';
import { STREAM_CLUSTER_BYTES, STREAM_SERVICE_BYTES, streamBytes } from '../../../src/model/streams/stream-budget.ts';
import { streamNames } from '../../../src/model/streams/stream-route.ts';
import { aNetwork, aNode, aService } from '../../support/builders.ts';
import { render } from '../../support/golden.ts';

type Labels = Readonly<Record<string, string>>;

const offered = { TcpPorts: [5432, 6379], UdpPorts: [53], PublishMode: 'host' };
const secrets = ['a.pem', 'b.pem'].map((name) => ({ id: name, name, createdAt: '', labels: {} }));

/** Services are as old as their place in the list. */
function aStream(name: string, lb: Labels, more: Partial<SwarmService> = {}): SwarmService {
  return aService(name, { host: lb.hosts ?? '', port: '5432', lb, ...more });
}

function build(
  services: readonly SwarmService[],
  { cluster = {}, tasks, ...core }: { cluster?: object; tasks?: readonly ServiceTask[] } & Record<string, unknown> = {},
  ...more: Parameters<typeof buildDesiredState> extends [unknown, unknown, ...infer Rest] ? Rest : never
) {
  const { settings, problems } = parseSettings({ ...core, Extensions: { default: { ...offered, ...cluster } } }, '1');
  expect(problems).toEqual([]);
  const aged = services.map((service, n) => ({ ...service, createdAt: String(n) }));
  const networks = [aNetwork('app', { subnets: ['10.0.1.0/24'] }), aNetwork('ProxyNet')];
  const nothing = { hostTasks: [], configs: [], owned: [] };
  const snapshot: Snapshot = { services: aged, networks, nodes: [aNode('node')], secrets, tasks, ...nothing };
  const desired = buildDesiredState(snapshot, settings, ...more);
  const [state] = desired.clusters as [(typeof desired.clusters)[number]];
  const served = state.streamTable.ports.flatMap(({ servers, fallback }) =>
    [...servers, ...(fallback ? [fallback] : [])].flatMap(({ route, upstream }) =>
      upstream === undefined ? [] : [`${streamNames(route)[0]} ${route.service.name}`],
    ),
  );
  return { state, served: [...new Set(served)], problems: desired.problems };
}

const tls = (secret: string, hosts: string) => ({ tcp_port: '5432', tcp_tls: secret, hosts });

describe('a port', () => {
  it('belongs to the oldest service, also while that one has no tasks', () => {
    const empty = { mode: { kind: 'replicated', replicas: 0 } } as const;
    const { served, problems } = build([
      aStream('old', { tcp_port: '5432' }, empty),
      aStream('new', { tcp_port: '5432' }),
      aStream('dns', { udp_port: '53' }),
    ]);

    expect(served).toEqual(['udp/53 dns']);
    expect(problems).toMatchObject([
      { severity: 'error', service: 'new', reason: expect.stringContaining('belongs to old') },
    ]);
  });

  it('is divided by names, of which the oldest service keeps its own', () => {
    const { served, problems, state } = build([
      aStream('a', tls('a.pem', 'a.example.org')),
      aStream('b', tls('b.pem', '*.example.org')),
      aStream('c', tls('b.pem', 'a.example.org')),
      aStream('d', { tcp_port: '5432' }),
    ]);

    expect(served).toEqual(['tcp/5432 a.example.org a', 'tcp/5432 *.example.org b']);
    expect(problems.map(({ service }) => service)).toEqual(['c', 'd']);
    const answer = (host: string) => explainStream(state.streamTable, `tcp://${host}:5432`)?.answer;
    expect(answer('a.example.org')).toMatchObject({ kind: 'service', route: { services: ['a'] } });
    expect(answer('z.example.org')).toMatchObject({ kind: 'service', route: { services: ['b'] } });
    expect(answer('other.org')).toEqual({ kind: 'refused' });
  });

  it('is not shared by a service that needs it for itself, whichever is older', () => {
    const whole = { tcp_port: '5432', tcp_tls: 'a.pem', tcp_proxy_protocol: 'true', deny: '192.0.2.1' };
    const first = build([aStream('whole', whole), aStream('named', tls('b.pem', 'b.example.org'))]);
    expect([first.served, first.problems.map(({ service }) => service)]).toEqual([['tcp/5432 whole'], ['named']]);

    const last = build([aStream('named', tls('b.pem', 'b.example.org')), aStream('whole', whole)]);
    expect([last.served, last.problems.map(({ service }) => service)]).toEqual([
      ['tcp/5432 b.example.org named'],
      ['whole'],
    ]);
  });

  it('that the settings do not have is not served, and the problem lists those that exist', () => {
    const { served, problems } = build([aStream('db', { tcp_port: '3306' })]);
    expect(served).toEqual([]);
    expect(problems).toMatchObject([{ value: '3306', reason: expect.stringContaining('TcpPorts has 5432, 6379') }]);
  });
});

describe('the labels', () => {
  it('route connections and requests of one service in different groups', () => {
    const { served, state, problems } = build([
      aStream('web', { tcp_port: '5432', '1.hosts': 'web.test', '1.port': '80' }),
    ]);
    expect(served).toEqual(['tcp/5432 web']);
    expect(state.routes.map(({ hosts }) => hosts[0]?.name)).toEqual(['web.test']);
    expect(problems).toEqual([]);
  });

  it.each([
    ['names without TLS', { hosts: 'a.example.org' }, 'hosts'],
    ['a certificate that does not exist', { tcp_tls: 'missing' }, 'tcp_tls'],
    ['protection that connections cannot have', { basic_auth: 'a.pem' }, 'basic_auth'],
    ['a list that is invalid', { allow: '10.0.0.0/99' }, 'allow'],
    [
      'checks of addresses, a name, and the PROXY protocol',
      { ...tls('a.pem', 'a.test'), tcp_proxy_protocol: 'true', connection_limit: '1' },
      'tcp_proxy_protocol',
    ],
  ])('close only their own port with %s', (_, lb: Labels, label) => {
    const { served, problems } = build([
      aStream('db', { tcp_port: '5432', ...lb }),
      aStream('cache', { tcp_port: '6379' }),
    ]);
    expect(served).toEqual(['tcp/6379 cache']);
    expect(problems).toMatchObject([{ service: 'db', label: `com.docker.lb.${label}`, severity: 'error' }]);
  });

  it('of the settings close a port if they enforce protection that connections cannot have', () => {
    const enforcing = (lb: object) =>
      build([aStream('db', { tcp_port: '5432' })], { cluster: { Enforced: lb } }).served;
    expect(enforcing({ basic_auth: 'a.pem' })).toEqual([]);
    expect(enforcing({ ssl_only: true, deny: '192.0.2.1' })).toEqual(['tcp/5432 db']);
  });

  it('of the settings for HTTPS leave connections as they are', () => {
    const given = { Defaults: { ssl_passthrough: true, tcp_proxy_protocol: true } };
    const { state, problems } = build([aStream('db', { tcp_port: '5432' }), aStream('dns', { udp_port: '53' })], {
      cluster: given,
    });
    expect(state.streams).toMatchObject([
      { protocol: 'tcp', tls: { kind: 'none' }, options: { proxyProtocol: true } },
      { protocol: 'udp', options: { proxyProtocol: false } },
    ]);
    expect(problems).toEqual([]);
  });

  it('require the client address, which headers of a balancer do not give', () => {
    const services = [aStream('db', { tcp_port: '5432', allow: '10.0.0.0/8' })];
    expect(build(services, { cluster: { PublishMode: 'ingress', TrustedProxies: ['10.0.0.1'] } }).served).toEqual([]);
    expect(
      build(services, { cluster: { PublishMode: 'ingress', ProxyProtocolFrom: ['10.0.0.1'] } }).served,
    ).toHaveLength(1);
  });
});

describe('checks of all routes', () => {
  const named = [aStream('a', tls('a.pem', 'a.example.org, b.example.org'))];

  it('let only owners claim a name', () => {
    expect(build(named, { Hosts: { 'a.example.org': ['other'] } }).state.streams).toMatchObject([
      { hosts: [{ name: 'b.example.org' }] },
    ]);
    expect(build(named, { HostsMode: 'listed' }).state.streams).toEqual([]);
  });

  it('close a service or a name under maintenance', () => {
    const decision = {
      kind: 'host',
      name: 'a.example.org',
      allow: [],
      who: 'admin',
      since: '2026-01-01T00:00:00Z',
    } as const;
    expect(build(named, {}, [decision]).served).toEqual(['tcp/5432 b.example.org a']);
    expect(build(named, {}, [{ ...decision, kind: 'service', name: 'a' }]).served).toEqual([]);
  });

  it('replace names in doubt with addresses', () => {
    const task = { id: '1', serviceId: 'a', nodeId: 'node', since: 0, addresses: { app: ['10.0.1.7'] } };
    const doubt = { name: 'tasks.a.app', kind: 'foreign' } as const;
    const doubts = new Map([['default', { names: new Map([[doubt.name, doubt]]), all: undefined }]]);
    const { state } = build(named, { tasks: [task] }, [], undefined, doubts);
    expect(state.streams).toMatchObject([{ backend: { peers: [{ address: '10.0.1.7', resolve: false }] } }]);
    expect(state.watch.doubted).toEqual([doubt.name]);
  });

  it('name servers of UDP for the agent, unless they also accept connections', () => {
    const text = (lb: Labels) =>
      render(toRenderInput(build([aStream('dns', { udp_port: '53', ...lb })]).state)).files[0]!.text;
    expect(text({})).toContain('    # udp tasks.dns.app:5432\n');
    expect(text({ tcp_port: '5432' })).not.toContain('# udp');
  });

  it('need the relay for names with upper-case letters', () => {
    const { state } = build([aStream('a', { tcp_port: '5432' }, { networkIds: ['ProxyNet'] })]);
    expect(render(toRenderInput(state)).files[0]!.text).toMatch(/stream \{[\s\S]*resolver 127\.0\.0\.1:10248 /);
  });
});

describe('limits', () => {
  it('count at least the bytes that are written', () => {
    const services = [
      aStream('a', {
        ...tls('a.pem', 'a.example.org, b.example.org'),
        deny: '192.0.2.1',
        connection_limit: '2',
        tcp_alpn: 'x',
      }),
      aStream('b', { tcp_port: '6379', allow: '10.0.0.0/8, 2001:db8::/32' }),
    ];
    const bytes = (all: readonly SwarmService[]) => render(toRenderInput(build(all).state)).files[0]!.text.length;
    const common = bytes([aStream('z', { tcp_port: '6379' })]);
    const counted = build(services).state.streams.reduce((sum, stream) => sum + streamBytes(stream), 0);
    // TLS adds directives to the block once.
    expect(bytes(services) - common).toBeLessThan(counted + 1500);
  });

  it('cut the newest services, and one that is too large', () => {
    const hosts = (n: number, count: number) =>
      Array.from({ length: count }, (_, at) => `h${at}.s${n}.example.org`).join();
    const large = build([aStream('large', tls('a.pem', hosts(0, 200))), aStream('small', tls('a.pem', 'small.test'))]);
    expect(large.served).toEqual(['tcp/5432 small.test small']);
    expect(large.problems).toMatchObject([
      { service: 'large', reason: expect.stringContaining(`${STREAM_SERVICE_BYTES / 1024} KiB`) },
    ]);

    const many = Array.from({ length: 5 }, (_, n) => aStream(`s${n}`, tls('a.pem', hosts(n, 50))));
    const full = build(many);
    expect(full.state.streams.map(({ service }) => service.name)).toEqual(['s0', 's1', 's2', 's3']);
    expect(full.problems[0]!.reason).toContain(`${STREAM_CLUSTER_BYTES / 1024} KiB`);
  });
});

describe('the settings', () => {
  const read = (extensions: object) => parseSettings({ Extensions: extensions }, '1');

  it('leave out ports that cannot be published, with a problem each', () => {
    const { settings, problems } = read({
      default: { TcpPorts: [80, 8080, 9146, 5432, 5432], UdpPorts: [80] },
      east: { PublishedPort: 81, PublishedSSLPort: 82, TcpPorts: [5432, 8443, 5433], UdpPorts: [80, 81] },
    });
    expect(settings.clusters.map(({ settings: { TcpPorts, UdpPorts } }) => [TcpPorts, UdpPorts])).toEqual([
      [[5432], [80]],
      [[5433], [81]],
    ]);
    expect(problems.map(({ value }) => value)).toEqual(['80', '8080', '9146', '5432', '8443', '80']);
  });

  it.each([
    [{ TcpPorts: [0] }],
    [{ TcpPorts: ['5432'] }],
    [{ UdpPorts: 53 }],
    [{ TcpPorts: Array.from({ length: 101 }, (_, n) => n + 1000) }],
  ])('reject %j', (cluster) => {
    expect(read({ default: cluster }).problems).toHaveLength(1);
  });

  it('publish the ports, each once, in the mode of the others', () => {
    const { clusters } = read({ default: { ...offered, PublishedPort: 8080 } }).settings;
    const [cluster] = clusters as [(typeof clusters)[number]];
    const attached = { version: '1', configs: [], secrets: [], networkIds: [] };
    const ports = (settings = cluster.settings) => desiredProxy({ ...cluster, settings }, [], attached).ports.slice(2);
    expect(ports()).toEqual([
      { published: 5432, target: 5432, mode: 'host' },
      { published: 6379, target: 6379, mode: 'host' },
      { published: 53, target: 53, mode: 'host', protocol: 'udp' },
    ]);
    // An administrator chose it on the page.
    expect(ports({ ...cluster.settings, PublishedPort: 5432 })).toHaveLength(2);
    expect(takenPorts([5432], [], read({ default: offered }).settings)).toEqual([
      { port: 5432, service: 'signalbox-proxy' },
    ]);
  });
});
