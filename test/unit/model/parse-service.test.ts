import { describe, expect, it } from 'vitest';
import { noAcme } from '../../../src/model/acme/facts.ts';
import { labels } from '../../../src/model/labels/labels.ts';
import { parseService } from '../../../src/model/parse-service.ts';
import { streamLabels } from '../../../src/model/route-labels/streams.ts';
import { unknownMaterial } from '../../../src/model/secrets/material.ts';
import { unknownUse } from '../../../src/model/secrets/secret-use.ts';
import type { SwarmNetwork, SwarmService } from '../../../src/model/snapshot.ts';
import { aNetwork, aNode, aService } from '../../support/builders.ts';

function parse(
  service: SwarmService,
  networks: readonly SwarmNetwork[] = service.networkIds.map((id) => aNetwork(id)),
  secrets: readonly string[] = [],
) {
  return parseService(service, {
    networks: new Map(networks.map((network) => [network.id, network])),
    nodes: new Map([['node', aNode('node')]]),
    hostTasks: new Map(),
    secrets: new Map(secrets.map((name) => [name, { id: name, name, createdAt: '', labels: {} }])),
    nodeCount: 1,
    acme: noAcme,
    clusters: new Map(),
    secretUse: unknownUse,
    material: unknownMaterial,
  });
}

/** How a route answers: where it sends requests, 503, or not at all. */
function outcome(service: SwarmService, networks?: readonly SwarmNetwork[]): string {
  const [routed] = parse(service, networks).routes;
  if (!routed) return 'no route';
  const { backend } = routed.route;
  return backend.kind === 'unavailable' ? '503' : backend.peers.map(({ address, port }) => `${address}:${port}`).join();
}

describe('an invalid label', () => {
  const bad = '\u0000;{}"$';
  // These do not say where a 503 should be, so there is no route to close.
  const nowhere = ['hosts', 'context_root', 'service_cluster'];
  const checked = Object.values(labels).filter(
    ({ name, schema }) => name !== 'hosts' && !Object.hasOwn(streamLabels, name) && !schema.safeParse(bad).success,
  );
  const optional = checked.filter(({ policy }) => policy === 'optional');
  const closing = checked.filter(({ policy, name }) => policy !== 'optional' && !nowhere.includes(name));

  it.each(optional.map(({ name }) => name))('that is optional is ignored with a problem: %s', (name) => {
    const service = aService('app', { lb: { [name]: bad } });

    expect(outcome(service)).toBe(outcome(aService('app')));
    expect(parse(service).problems).toMatchObject([
      { severity: 'error', service: 'app', label: `com.docker.lb.${name}`, value: bad },
    ]);
  });

  it.each(closing.map(({ name }) => name))('that is required or protects closes only the route: %s', (name) => {
    const service = aService('app', { lb: { [name]: bad } });

    expect(outcome(service)).toBe('503');
    expect(parse(service).problems).toMatchObject([{ severity: 'error', label: `com.docker.lb.${name}` }]);
  });

  it.each(nowhere)('that places the route leaves no route: %s', (name) => {
    const service = aService('app', { lb: { [name]: bad } });

    expect(outcome(service)).toBe('no route');
    expect(parse(service).problems).toMatchObject([{ severity: 'error', label: `com.docker.lb.${name}` }]);
  });

  it.each(['tcp_tls', 'tcp_alpn', 'tcp_proxy_protocol', 'udp_responses'])(
    'for connections is reported without a port: %s',
    (name) => {
      const service = aService('app', { lb: { [name]: bad } });

      expect(outcome(service)).toBe(outcome(aService('app')));
      expect(parse(service).problems).toMatchObject([{ severity: 'warning', label: `com.docker.lb.${name}` }]);
    },
  );

  it('is quoted in its problem in limited length', () => {
    for (const { name } of Object.values(labels)) {
      const { problems } = parse(aService('app', { lb: { [name]: '!'.repeat(100_000) } }));

      expect(JSON.stringify(problems).length).toBeLessThan(2000);
    }
  });

  it('of one group closes only that group', () => {
    const lb = { '1.hosts': 'one.example.org', '1.port': 'x', '2.hosts': 'two.example.org', '2.port': '80' };
    const { routes } = parse(aService('app', { lb }));

    expect(routes.map(({ route }) => [route.hosts[0]!.name, route.backend.kind]).toSorted()).toEqual([
      ['app.example.org', 'peers'],
      ['one.example.org', 'unavailable'],
      ['two.example.org', 'peers'],
    ]);
  });
});

describe('the network of a service', () => {
  const stack = { 'com.docker.stack.namespace': 'demo' };

  it.each`
    networks                     | label          | labels   | answer
    ${['app']}                   | ${undefined}   | ${{}}    | ${'tasks.app.app:8080'}
    ${['app']}                   | ${'app'}       | ${{}}    | ${'tasks.app.app:8080'}
    ${['app']}                   | ${'elsewhere'} | ${{}}    | ${'tasks.app.app:8080'}
    ${['a', 'b']}                | ${'b'}         | ${{}}    | ${'tasks.app.b:8080'}
    ${['a', 'b']}                | ${undefined}   | ${{}}    | ${'503'}
    ${['a', 'b']}                | ${'c'}         | ${{}}    | ${'503'}
    ${['demo_net', 'demo_data']} | ${'net'}       | ${stack} | ${'tasks.app.demo_net:8080'}
    ${['demo_net', 'demo_data']} | ${'demo_net'}  | ${stack} | ${'tasks.app.demo_net:8080'}
    ${['demo_net', 'demo_data']} | ${'net'}       | ${{}}    | ${'503'}
    ${['net', 'demo_net']}       | ${'net'}       | ${stack} | ${'tasks.app.net:8080'}
    ${[]}                        | ${undefined}   | ${{}}    | ${'503'}
    ${[]}                        | ${'app'}       | ${{}}    | ${'503'}
  `('out of $networks with the label $label is $answer', ({ networks, label, labels, answer }) => {
    const service = aService('app', { networks, labels, lb: label === undefined ? {} : { network: label } });

    expect(outcome(service)).toBe(answer);
  });

  it.each`
    service  | network            | mode      | answer                            | exactCase
    ${'web'} | ${'app'}           | ${'task'} | ${'tasks.web.app:8080'}           | ${undefined}
    ${'Web'} | ${'app'}           | ${'task'} | ${'tasks.Web.app:8080'}           | ${undefined}
    ${'web'} | ${'MyApp_default'} | ${'task'} | ${'tasks.web.MyApp_default:8080'} | ${true}
    ${'web'} | ${'ProxyNet'}      | ${'vip'}  | ${'web.ProxyNet:8080'}            | ${true}
    ${'Web'} | ${'app'}           | ${'vip'}  | ${'Web.app:8080'}                 | ${undefined}
  `('$network must be resolved in its exact case: $exactCase', ({ service, network, mode, answer, exactCase }) => {
    const app = aService(service, { networks: [network], lb: { backend_mode: mode } });

    expect(outcome(app)).toBe(answer);
    const [routed] = parse(app).routes;
    expect(routed?.route.backend).toMatchObject({ peers: [exactCase ? { exactCase } : {}] });
    expect(JSON.stringify(routed?.route.backend).includes('exactCase')).toBe(exactCase ?? false);
    expect(parse(app).problems).toEqual([]);
  });

  it.each`
    networks                            | label         | labels                                       | answer                             | used
    ${['ProxyNet', 'data']}             | ${'proxynet'} | ${{}}                                        | ${'tasks.app.ProxyNet:8080'}       | ${'ProxyNet'}
    ${['proxynet']}                     | ${'ProxyNet'} | ${{}}                                        | ${'tasks.app.proxynet:8080'}       | ${'proxynet'}
    ${['MyApp_net', 'MyApp_data']}      | ${'net'}      | ${{ 'com.docker.stack.namespace': 'MyApp' }} | ${'tasks.app.MyApp_net:8080'}      | ${undefined}
    ${['MyApp_frontEnd', 'MyApp_data']} | ${'frontend'} | ${{ 'com.docker.stack.namespace': 'MyApp' }} | ${'tasks.app.MyApp_frontEnd:8080'} | ${'MyApp_frontEnd'}
    ${['PROXYNET', 'data_proxynet']}    | ${'proxynet'} | ${{ 'com.docker.stack.namespace': 'data' }}  | ${'tasks.app.data_proxynet:8080'}  | ${undefined}
  `('out of $networks the label $label means $used', ({ networks, label, labels, answer, used }) => {
    const service = aService('app', { networks, labels, lb: { network: label } });

    expect(outcome(service)).toBe(answer);
    expect(parse(service).problems).toMatchObject(
      used === undefined ? [] : [{ severity: 'warning', value: label, remedy: `Name it ${used}.` }],
    );
  });

  it.each([
    ['N'.repeat(64), 'app'],
    ['n'.repeat(64), 'app'],
    ['app', 'n'.repeat(64)],
    ['app', Array(62).fill('net').join('.')],
    ['Net', Array(61).fill('net').join('.')],
  ])('is a problem if its name is too long for DNS: %s, service %s', (network, name) => {
    const service = aService(name, { networks: [network], host: 'app.example.org' });

    expect(outcome(service)).toBe('503');
    const [problem, ...others] = parse(service).problems;
    expect(others).toEqual([]);
    expect(problem).toMatchObject({ severity: 'error', label: 'com.docker.lb.network' });
    expect(problem!.reason).toMatch(/too long for DNS$/);
  });

  it('that matches none falls back to the only one, and reports that', () => {
    expect(parse(aService('app', { lb: { network: 'elsewhere' } })).problems).toMatchObject([
      {
        severity: 'warning',
        label: 'com.docker.lb.network',
        value: 'elsewhere',
        remedy: 'Set it to app, or remove the label.',
      },
    ]);
  });

  it('is never the ingress network, or one that exists on a node only', () => {
    const networks = [
      aNetwork('ingress', { ingress: true }),
      aNetwork('bridge', { driver: 'bridge', scope: 'local' }),
      aNetwork('app'),
    ];

    expect(outcome(aService('app', { networks: ['ingress', 'bridge', 'app'] }), networks)).toBe('tasks.app.app:8080');
    expect(outcome(aService('app', { networks: ['ingress', 'bridge'] }), networks)).toBe('503');
  });

  it('that no longer exists is ignored', () => {
    expect(outcome(aService('app', { networks: ['gone', 'app'] }), [aNetwork('app')])).toBe('tasks.app.app:8080');
  });
});

describe('a service in host mode', () => {
  it('has a problem if the port of its label is not among its ports', () => {
    const ports = [{ target: 80, published: 8081, mode: 'host', protocol: 'tcp' }] as const;

    const { problems } = parse(aService('app', { networks: [], port: '81', ports }));

    expect(problems).toMatchObject([
      { label: 'com.docker.lb.port', value: '81', remedy: expect.stringContaining('80') },
    ]);
  });
});

describe('an unknown label', () => {
  it.each`
    label            | remedy
    ${'host'}        | ${'Did you mean com.docker.lb.hosts?'}
    ${'contextroot'} | ${'Did you mean com.docker.lb.context_root?'}
    ${'PORT'}        | ${'Did you mean com.docker.lb.port?'}
    ${'3.porrt'}     | ${'Did you mean com.docker.lb.3.port?'}
    ${'nonsense'}    | ${'Remove it.'}
    ${'__proto__'}   | ${'Remove it.'}
    ${'constructor'} | ${'Remove it.'}
    ${''}            | ${'Remove it.'}
  `('$label is a warning: $remedy', ({ label, remedy }) => {
    const service = aService('app', { lb: Object.fromEntries([[label, 'x']]) });

    expect(parse(service).problems).toMatchObject([{ severity: 'warning', label: `com.docker.lb.${label}`, remedy }]);
    expect(outcome(service)).toBe('tasks.app.app:8080');
  });
});

it.each`
  secret          | label         | namespace  | remedy
  ${'Site.crt'}   | ${'site.crt'} | ${'demo'}  | ${'Did you mean Site.crt?'}
  ${'MyApp_cert'} | ${'Cert'}     | ${'MyApp'} | ${'Did you mean MyApp_cert?'}
  ${'other'}      | ${'site.crt'} | ${'demo'}  | ${'Create it: docker secret create site.crt <file>.'}
`('a secret $label is a problem if there is only $secret', ({ secret, label, namespace, remedy }) => {
  const labels = { 'com.docker.stack.namespace': namespace };
  const service = aService('app', { labels, lb: { ssl_cert: label } });

  expect(parse(service, undefined, [secret]).problems).toMatchObject([{ label: 'com.docker.lb.ssl_cert', remedy }]);
});

it('a secret is found with the upper-case prefix of its stack', () => {
  const labels = { 'com.docker.stack.namespace': 'MyApp' };
  const service = aService('app', { labels, lb: { ssl_cert: 'Cert' } });

  const [routed] = parse(service, undefined, ['MyApp_Cert']).routes;
  expect(routed!.secrets).toContain('MyApp_Cert');
});
