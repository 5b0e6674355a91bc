// Claims that do not count never change what the owner's hosts answer.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { buildDesiredState, createStateBuilder } from '../../../src/model/desired-state.ts';
import { explainUrl } from '../../../src/model/explain.ts';
import { type Host, parseHost } from '../../../src/model/hosts/host.ts';
import { covers, overlap } from '../../../src/model/hosts/host-overlap.ts';
import { concerns } from '../../../src/model/problem.ts';
import { toRenderInput } from '../../../src/model/render-input.ts';
import { parseSettings } from '../../../src/model/settings/settings.ts';
import type { Snapshot, SwarmService } from '../../../src/model/snapshot.ts';
import { aNetwork, aNode, aService } from '../../support/builders.ts';
import { render } from '../../support/golden.ts';
import { processorMs } from '../../support/processor-time.ts';

type Document = Parameters<typeof parseSettings>[0];
type Options = Parameters<typeof aService>[1];

const secrets = ['pair', 'evil-pair'].map((name) => ({ id: name, name, createdAt: '', labels: {} }));
const managers = [
  aNode('m1', { name: 'Manager-1.Example.org', role: 'manager', address: '10.5.0.1' }),
  aNode('m2', { name: 'manager-2', role: 'manager', address: 'fd00::2' }),
];

function snapshot(services: readonly SwarmService[], nodes: Snapshot['nodes'] = []): Snapshot {
  const networks = [aNetwork('app'), aNetwork('evil')];
  return { services, networks, nodes, hostTasks: [], configs: [], secrets, owned: [] };
}

function inStack(stack: string, app: string, options: Options = {}): SwarmService {
  return aService(`${stack}_${app}`, { ...options, labels: { 'com.docker.stack.namespace': stack } });
}

function build(services: readonly SwarmService[], document: Document = {}, nodes: Snapshot['nodes'] = []) {
  const { settings, problems } = parseSettings(document, '1');
  expect(problems).toEqual([]);
  return buildDesiredState(snapshot(services, nodes), settings);
}

/** Which services answer for which hosts, including the default backend. */
function owners(
  services: readonly SwarmService[],
  document: Document = {},
  nodes: Snapshot['nodes'] = [],
): Record<string, string[]> {
  const { servers, fallback } = build(services, document, nodes).clusters[0]!.table;
  const named = servers.map(({ host, locations }) => [host.name, locations.flatMap(({ services }) => services)]);
  const last = fallback.length === 0 ? [] : [['*', fallback.flatMap(({ services }) => services)]];
  return Object.fromEntries([...named, ...last]);
}

const shop = inStack('shop', 'web', { host: 'shop.example.org', createdAt: '1' });
const listed = { Hosts: { 'shop.example.org': ['shop'] } };

describe('mode first', () => {
  const first = { HostsMode: 'first' };
  const gateway = inStack('gateway', 'web', { host: '*.apps.example.org', createdAt: '1' });
  const beta = inStack('beta', 'web', { host: String.raw`~^v\d+\.example\.org$`, createdAt: '1' });

  it.each([
    'shop.example.org',
    ' SHOP.Example.ORG. ',
    'ſhop.example.org',
    'shop。example。org',
    'ｓｈｏｐ.example.org',
    '*.example.org',
    '*.org',
    String.raw`~^shop\.example\.org$`,
    '~^s.*$',
    '~^.+$',
    String.raw`~^(shop|stop)\.example\.org$`,
    'login.apps.example.org',
    '*.apps.example.org',
    '*.deep.apps.example.org',
    String.raw`~^[a-z]+\.apps\.example\.org$`,
    'v1.example.org',
    String.raw`~^v[0-5]\.example\.org$`,
  ])('rejects %s for another stack', (host) => {
    const evil = inStack('evil', 'web', { host, createdAt: '2' });
    const all = [shop, gateway, beta, evil];

    expect(owners(all, first)).toEqual(owners([shop, gateway, beta], first));
    const { problems } = build(all, first);
    expect(problems.filter((problem) => concerns(problem, 'evil_web'))).toMatchObject([{ severity: 'error' }]);
    expect(problems.filter(({ severity }) => severity === 'notice')).toHaveLength(1);
  });

  it.each(['evil.example.org', '*.shop.example.org', String.raw`~^w\d+\.example\.org$`, '*.example.net'])(
    'leaves %s to the stack that claims it first',
    (host) => {
      const evil = inStack('evil', 'web', { host, createdAt: '2' });

      expect(Object.values(owners([shop, gateway, beta, evil], first)).flat()).toContain('evil_web');
    },
  );

  it('rejects paths below a host, and lets services of the stack share it', () => {
    const api = inStack('shop', 'api', { host: 'shop.example.org', createdAt: '3', lb: { context_root: '/api' } });
    const evil = inStack('evil', 'web', { host: 'shop.example.org', createdAt: '2', lb: { context_root: '/pay' } });

    expect(owners([shop, evil, api], first)).toEqual({ 'shop.example.org': ['shop_api', 'shop_web'] });
  });

  it('treats services without a stack as owners, and ignores a label that merely names a stack', () => {
    const labeled = aService('other', {
      host: 'shop.example.org',
      createdAt: '2',
      labels: { 'com.docker.stack.namespace': 'shop' },
    });
    const plain = aService('plain', { host: 'shop.example.org', createdAt: '3' });

    expect(owners([shop, labeled, plain], first)).toEqual({ 'shop.example.org': ['shop_web'] });
  });

  it('lets listed owners share a host, whichever was first', () => {
    const blog = inStack('blog', 'web', { host: 'shop.example.org', createdAt: '0' });
    const evil = inStack('evil', 'web', { host: 'shop.example.org', createdAt: '0' });
    const document = { ...first, Hosts: { 'shop.example.org': ['shop', 'blog_web'] } };

    expect(owners([blog, shop, evil], document)).toEqual({ 'shop.example.org': ['blog_web', 'shop_web'] });
  });

  it('is the same for all service clusters, and ignores what no cluster publishes', () => {
    const east = inStack('evil', 'web', { host: 'shop.example.org', createdAt: '2', lb: { service_cluster: 'east' } });
    const lost = inStack('lost', 'web', { host: 'shop.example.org', createdAt: '0', lb: { service_cluster: 'lost' } });
    const document = {
      ...first,
      Extensions: { default: {}, east: { ServiceCluster: 'east', PublishedPort: 81, PublishedSSLPort: 444 } },
    };
    const { clusters, problems } = build([shop, east, lost], document);

    expect(clusters.map(({ routes }) => routes.length)).toEqual([1, 0]);
    expect(problems.find(({ severity, service }) => severity === 'error' && service === 'evil_web')).toMatchObject({
      cluster: 'east',
    });
  });
});

describe('listed hosts', () => {
  it.each([
    'shop.example.org',
    'SHOP.example.org.',
    '*.example.org',
    '*.org',
    '~^s.*$',
    String.raw`~^.{4}\.example\.org$`,
    'sub.wild.example.org',
    '*.sub.wild.example.org',
    String.raw`~^.+\.wild\.example\.org$`,
    '*.wild.example.org',
    'v1.beta.example.org',
    '*.beta.example.org',
  ])('belong to their owners in every mode: %s', (host) => {
    const evil = inStack('evil', 'web', { host, createdAt: '0' });
    const Hosts = {
      'Shop.Example.Org': ['shop'],
      '*.wild.example.org': ['shop'],
      '~^v\\d\\.beta\\.example\\.org$': ['shop'],
    };

    for (const HostsMode of ['open', 'first', 'listed'])
      expect(owners([evil, shop], { HostsMode, Hosts }), HostsMode).toEqual({ 'shop.example.org': ['shop_web'] });
  });

  it('are matched by the most specific pattern', () => {
    const Hosts = {
      '*.example.org': ['gateway'],
      '*.apps.example.org': ['apps'],
      'one.apps.example.org': ['one_web'],
      'none.example.org': [],
    };
    const host = '*.example.org, x.example.org, *.apps.example.org, two.apps.example.org, one.apps.example.org';
    const all = ['gateway', 'apps', 'one'].map((stack) => inStack(stack, 'web', { host: `${host}, none.example.org` }));

    expect(owners(all, { Hosts })).toEqual({
      '*.apps.example.org': ['apps_web'],
      '*.example.org': ['gateway_web'],
      'one.apps.example.org': ['one_web'],
      'two.apps.example.org': ['apps_web'],
      'x.example.org': ['gateway_web'],
    });
  });

  it('are the only ones in mode listed', () => {
    const other = inStack('shop', 'other', { host: 'other.example.org, *.example.net, ~^x$' });
    const fallback = inStack('shop', 'fallback', { host: '', lb: { default_backend: 'true' } });

    expect(owners([shop, other, fallback], { HostsMode: 'listed', ...listed })).toEqual({
      'shop.example.org': ['shop_web'],
    });
    const Hosts = { ...listed.Hosts, '*': ['shop_fallback'], '~^x$': ['shop'] };
    expect(owners([shop, other, fallback], { HostsMode: 'listed', Hosts })).toEqual({
      'shop.example.org': ['shop_web'],
      x: ['shop_other'],
      '*': ['shop_fallback'],
    });
  });
});

describe('the default backend', () => {
  const fallback = inStack('any', 'web', { host: '', lb: { default_backend: 'true' } });

  it.each([
    [{}, true],
    [{ HostsMode: 'first' }, false],
    [{ HostsMode: 'listed' }, false],
    [{ Hosts: { '*': ['other'] } }, false],
    [{ HostsMode: 'first', Hosts: { '*': ['any'] } }, true],
  ])('with the settings %j counts: %s', (document, counts) => {
    expect(owners([fallback], document)).toEqual(counts ? { '*': ['any_web'] } : {});
  });
});

describe('managers', () => {
  const names = ['manager-1.example.org', 'MANAGER-2', '10.5.0.1', '[fd00::2]', '[fd00:0::2]', '[::ffff:10.5.0.1]'];

  it.each([...names, '*.example.org', '~^manager-.$', String.raw`~^10\.\d\.0\.1$`])('own %s in every mode', (host) => {
    const evil = inStack('evil', 'web', { host });

    for (const HostsMode of ['open', 'first', 'listed']) {
      expect(owners([evil], { HostsMode }, managers)).toEqual({});
      expect(build([evil], { HostsMode }, managers).problems.map(({ severity }) => severity)).toEqual(['error']);
    }
  });

  it.each(names)('share %s only with owners listed for exactly this name', (host) => {
    const console = inStack('console', 'web', { host });

    const Hosts = { [host]: ['console'] };
    expect(Object.values(owners([console], { Hosts }, managers))).toEqual([['console_web']]);
  });

  it('keep their names when all hosts of a domain are assigned', () => {
    const console = inStack('console', 'web', { host: names[0]! });

    expect(owners([console], { Hosts: { '*.example.org': ['console'] } }, managers)).toEqual({});
  });

  it('do not own the names of workers', () => {
    const { settings } = parseSettings({}, '1');
    const seen = snapshot([aService('app', { host: 'worker' })], [aNode('worker')]);

    expect(buildDesiredState(seen, settings).clusters[0]!.routes).toHaveLength(1);
  });
});

describe('mode open', () => {
  it('shares hosts, with one notice for all owners', () => {
    const blog = inStack('blog', 'web', { host: 'shop.example.org, shop.example.net', lb: { context_root: '/blog' } });
    const net = inStack('shop', 'net', { host: 'shop.example.net' });
    const { problems } = build([shop, net, blog]);

    expect(owners([shop, blog])).toMatchObject({ 'shop.example.org': ['blog_web', 'shop_web'] });
    expect(problems).toMatchObject([
      {
        severity: 'notice',
        reason: 'stack blog and stack shop claim the same hosts and share their requests',
        affects: [{ service: 'blog_web' }, { service: 'shop_net' }, { service: 'shop_web' }],
      },
    ]);
  });

  it('gives no notice for hosts within a stack, outside stacks, in two clusters, or shared by the settings', () => {
    const api = inStack('shop', 'api', { host: 'shop.example.org', lb: { context_root: '/api' } });
    const blog = inStack('blog', 'web', { host: 'shop.example.org' });
    const east = inStack('blog', 'web', { host: 'shop.example.org', lb: { service_cluster: 'east' } });
    const Extensions = { default: {}, east: { ServiceCluster: 'east', PublishedPort: 81, PublishedSSLPort: 444 } };

    expect(build([shop, api]).problems).toEqual([]);
    expect(build(['one', 'two'].map((name) => aService(name, { host: 'shop.example.org' }))).problems).toEqual([]);
    expect(build([shop, aService('one', { host: 'shop.example.org' })]).problems).toHaveLength(1);
    expect(build([shop, east], { Extensions }).problems).toEqual([]);
    expect(build([shop, blog], { Hosts: { 'shop.example.org': ['shop', 'blog'] } }).problems).toEqual([]);
  });
});

describe('a rejected claim', () => {
  it('attaches no network and no secret to the proxies', () => {
    const evil = inStack('evil', 'web', {
      host: 'shop.example.org',
      createdAt: '2',
      networks: ['evil'],
      lb: { ssl_cert: 'evil-pair' },
    });
    const [state] = build([shop, evil], listed).clusters;

    expect(state).toMatchObject({ networkIds: ['app'], secrets: [] });
  });

  it('is explained', () => {
    const evil = inStack('evil', 'web', { host: 'shop.example.org', lb: { context_root: '/pay' } });
    const { table, rejectedClaims } = build([shop, evil], listed).clusters[0]!;

    const explanation = explainUrl(table, 'http://shop.example.org/pay', { httpsPort: 8443, rejectedClaims })!;
    expect(explanation.answer).toMatchObject({ kind: 'service', route: { services: ['shop_web'] } });
    expect(explanation.passedOver).toEqual([
      {
        route: { host: 'shop.example.org', path: '/pay', services: ['evil_web'] },
        reason:
          'The claim is ignored: [Hosts] in the settings does not list stack evil for "shop.example.org", so its claim is ignored.',
      },
    ]);
  });

  it('keeps unchanged routes as the same objects', () => {
    const { settings } = parseSettings(listed, '1');
    const evil = inStack('evil', 'web', { host: 'shop.example.org, evil.example.org' });
    const other = aService('other');
    const remember = createStateBuilder();
    const before = remember(snapshot([shop, evil, other]), settings).clusters[0]!;
    const changed = { ...aService('other', { port: '81' }) };
    const after = remember(snapshot([shop, { ...evil }, changed]), settings).clusters[0]!;

    const named = ({ routes }: typeof before, name: string) => routes.find(({ service }) => service.name === name);
    for (const name of ['shop_web', 'evil_web']) expect(named(after, name)).toBe(named(before, name));
    expect(named(after, 'other')).not.toEqual(named(before, 'other'));
  });
});

const victims = [
  inStack('shop', 'web', {
    host: 'shop.example.org, www.shop.example.org',
    createdAt: '1',
    lb: { redirects: 'http://www.shop.example.org,http://shop.example.org', sticky_session_cookie: 'id' },
  }),
  inStack('shop', 'api', { host: 'shop.example.org', createdAt: '1', lb: { context_root: '/api', ssl_cert: 'pair' } }),
  inStack('shop', 'apps', { host: '*.apps.example.org', createdAt: '1' }),
  inStack('shop', 'beta', { host: String.raw`~^v\d+\.beta\.example\.org$`, createdAt: '1' }),
];

const hostile = fc.record(
  {
    hosts: fc
      .uniqueArray(
        fc.constantFrom(
          ...['shop.example.org', 'SHOP.example.org.', 'www.shop.example.org', '*.example.org', '*.shop.example.org'],
          ...['login.apps.example.org', '*.apps.example.org', '*.x.apps.example.org', 'v1.beta.example.org', '~^.+$'],
          ...[String.raw`~^shop\.example\.org$`, String.raw`~^v1\.beta\.example\.org$`, String.raw`~^.+\.org$`],
          ...['evil.example.net', '*.example.net', String.raw`~^e\d+\.example\.net$`],
        ),
        { minLength: 1, maxLength: 4 },
      )
      .map((hosts) => hosts.join(',')),
    context_root: fc.constantFrom('/', '/api', '/api/pay'),
    redirects: fc.constantFrom(
      'http://shop.example.org,http://www.shop.example.org',
      'shop.example.org,http://evil.example.net',
      'http://www.shop.example.org,http://evil.example.net;http://evil.example.net,http://evil.test',
    ),
    ssl_cert: fc.constant('evil-pair'),
    ssl_passthrough: fc.constant('true'),
    ssl_only: fc.constant('true'),
    hsts: fc.constant('true'),
    maintenance: fc.constant('true'),
    ip_hash: fc.constant('true'),
    backend_protocol: fc.constantFrom('https', 'grpc', 'h2c'),
    default_backend: fc.constant('true'),
    response_header_size: fc.constant('256k'),
  },
  { requiredKeys: ['hosts'] },
);

/** The same service without the claims that must not count. */
function harmless({ default_backend: _, ...lb }: { readonly hosts: string; readonly default_backend?: string }) {
  const own = lb.hosts.split(',').filter((host) => host.includes('example.net') || host.includes('example\\.net'));
  return own.length === 0 ? [] : [{ ...lb, hosts: own.join(',') }];
}

function textOf(services: readonly SwarmService[], document: Document): string {
  return build(services, document)
    .clusters.map((state) => render(toRenderInput(state)).files[0]!.text)
    .join('');
}

const protecting = { 'shop.example.org': ['shop'], '*.example.org': ['shop'] };

it.each([
  ['first', '2', {}],
  ['listed', '0', { ...protecting, '*.example.net': ['evil'] }],
  ['open', '0', { ...protecting, '*': [] }],
])('rejected claims do not change one byte of the configuration, in mode %s', (HostsMode, createdAt, Hosts) => {
  const document = { HostsMode, Hosts };
  const attacker = (lb: Readonly<Record<string, string>>, n: number) =>
    inStack('evil', `s${n}`, { createdAt, networks: ['evil'], lb });
  fc.assert(
    fc.property(fc.array(hostile, { minLength: 1, maxLength: 3 }), (attacks) => {
      const rest = attacks.flatMap((attack, n) => harmless(attack).map((lb) => attacker(lb, n)));
      expect(textOf([...attacks.map(attacker), ...victims], document)).toBe(textOf([...rest, ...victims], document));
    }),
    { numRuns: 100 },
  );
});

describe('patterns', () => {
  const host = (text: string) => parseHost(text) as Host;

  it.each([
    ['*.example.org', 'a.b.example.org', true],
    ['*.example.org', 'example.org', false],
    ['*.example.org', 'badexample.org', false],
    ['*.example.org', '*.example.org', true],
    ['*.example.org', '*.a.example.org', true],
    ['*.a.example.org', '*.example.org', false],
    ['*.example.org', String.raw`~^x\d\.example\.org$`, true],
    ['*.example.org', String.raw`~^x\.example.org$`, false],
    ['*.example.org', String.raw`~^x\.example\.org?$`, false],
    ['example.org', String.raw`~^example\.org$`, false],
    [String.raw`~^x\d$`, 'x1', true],
    [String.raw`~^x\d$`, String.raw`~^x\d$`, true],
  ])('%s covers %s: %s', (pattern, covered, expected) => {
    expect(covers(host(pattern), host(covered))).toBe(expected);
  });

  it.each([
    ['*.example.org', '*.a.example.org', true],
    ['*.example.org', '*.example.net', false],
    ['*.apps.example.org', String.raw`~^app\d+\.example\.org$`, false],
    ['*.apps.example.org', String.raw`~^app.+\.example\.org$`, true],
    ['*.example.org', String.raw`~^a\.(example|other)\.org$`, true],
    ['*.example.org', String.raw`~^a\.(examples|other)\.org$`, false],
    [String.raw`~^[a-f]+\.org$`, String.raw`~^[g-z]+\.org$`, false],
    [String.raw`~^[a-f]+\.org$`, String.raw`~^.{3}\.org$`, true],
    ['~^a{2,3}$', '~^a{4}$', false],
    ['~^a{2,}$', '~^a{4}$', true],
    ['~^ab?c*$', '~^a$', true],
    ['~^ab?c*$', '~^accc?$', true],
    ['~^ab?c*$', '~^abb$', false],
  ])('%s and %s have names in common: %s', (a, b, expected) => {
    expect(overlap(host(a), host(b))).toBe(expected);
    expect(overlap(host(b), host(a))).toBe(expected);
  });

  const part = fc.constantFrom('a', 'b', '[ab]', String.raw`\.`, '.', '(a|ba)', String.raw`\w`);
  const expression = fc
    .array(fc.tuple(part, fc.constantFrom('', '', '', '?', '{2}', '{1,2}')), { minLength: 1, maxLength: 4 })
    .map((parts) => parts.map((both) => both.join('')).join(''));
  const words = ['a', 'b', '.'].reduce(
    (all) => [
      ...all,
      ...all.filter(({ length }) => length < 5).flatMap((word) => ['a', 'b', '.'].map((l) => word + l)),
    ],
    ['a', 'b', '.'],
  );

  it('never miss a common name', () => {
    fc.assert(
      fc.property(expression, expression, (left, right) => {
        const [a, b] = [parseHost(`~${left}`), parseHost(`~${right}`)];
        fc.pre(typeof a !== 'string' && typeof b !== 'string');
        const both = words.some((word) => [left, right].every((text) => new RegExp(`^(?:${text})$`).test(word)));
        if (both) expect(overlap(a as Host, b as Host)).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  it('are compared quickly, however long the expressions', () => {
    const long = (letter: string) => host(`~^${`[${letter}-z]{99}`.repeat(12)}.*.*$`);
    const start = processorMs();

    expect(overlap(long('a'), long('b'))).toBe(true);
    expect(processorMs() - start).toBeLessThan(1000);
  });
});
