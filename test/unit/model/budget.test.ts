import { describe, expect, it } from 'vitest';
import { HOST_BYTES } from '../../../src/model/budget.ts';
import { createStateBuilder } from '../../../src/model/desired-state.ts';
import { MOST_EXPRESSIONS, MOST_GROUPS, MOST_HOSTS } from '../../../src/model/hosts/host-limits.ts';
import type { Route } from '../../../src/model/route.ts';
import { parseSettings } from '../../../src/model/settings/settings.ts';
import type { SwarmService } from '../../../src/model/snapshot.ts';
import { hostUsage, routeUsage } from '../../../src/model/usage.ts';
import { aNetwork, aNode, aService } from '../../support/builders.ts';
import { render } from '../../support/golden.ts';
import { inputOf } from '../../support/many-services.ts';

const { settings } = parseSettings({}, '1');
const nothing = { hostTasks: [], configs: [], secrets: [], owned: [] };

function build(services: readonly SwarmService[], builder = createStateBuilder()) {
  const snapshot = { services, networks: [aNetwork('app')], nodes: [aNode('node')], ...nothing };
  const { clusters, problems } = builder(snapshot, settings);
  const routes = clusters[0]!.routes;
  const hostsOf = (name: string) =>
    routes.filter(({ service }) => service.name === name).flatMap(({ hosts }) => hosts.map((host) => host.name));
  return { routes, problems, hostsOf };
}

const names = (count: number, suffix: string) => Array.from({ length: count }, (_, n) => `h${n}.${suffix}`);

function groups(count: number, labels: (n: number) => Readonly<Record<string, string>>): Record<string, string> {
  const all = Array.from({ length: count }, (_, n) =>
    Object.entries({ port: '80', ...labels(n) }).map(([name, value]) => [`com.docker.lb.${1000 + n}.${name}`, value]),
  );
  return Object.fromEntries(all.flat());
}

describe('a service that exceeds its budget', () => {
  it('keeps its first hosts, is reported, and does not affect other services', () => {
    const greedy = aService('greedy', { host: names(1900, `${'x'.repeat(60)}.example.org`).join(','), createdAt: '1' });

    const { hostsOf, problems } = build([greedy, aService('shop', { createdAt: '2' })]);

    expect(hostsOf('shop')).toEqual(['shop.example.org']);
    const kept = hostsOf('greedy');
    expect(kept).toEqual(names(1900, `${'x'.repeat(60)}.example.org`).slice(0, kept.length));
    expect(kept.length).toBeGreaterThan(500);
    expect(kept.length).toBeLessThan(1900);
    expect(problems).toEqual([
      expect.objectContaining({
        severity: 'error',
        service: 'greedy',
        label: 'com.docker.lb.hosts',
        reason: expect.stringMatching(
          /more than 2 MiB of configuration, the share of one service; h\d+\.x+.* are ignored/,
        ),
      }),
    ]);
  });

  it('loses only expressions if there are too many of them', () => {
    const expressions = names(60, '').map((_, n) => String.raw`~^(.+\.)?t${n}\.example\.org$`);
    const service = aService('costly', { host: ['a.example.org', ...expressions, 'b.example.org'].join(',') });

    const { hostsOf, problems } = build([service]);

    expect(hostsOf('costly')).toContain('a.example.org');
    expect(hostsOf('costly')).toContain('b.example.org');
    expect(hostsOf('costly').length).toBeLessThan(40);
    expect(problems).toMatchObject([{ service: 'costly', reason: expect.stringContaining('comparisons') }]);
  });

  it.each([
    [
      'lengths of removed context roots',
      'main configuration file',
      (n: number) => ({
        hosts: 'a.example.org',
        context_root: `/${'p'.repeat(n + 1)}`,
        context_root_rewrite: 'true',
      }),
    ],
    [
      'allow lists',
      'main configuration file',
      (n: number) => ({
        hosts: `h${n}.example.org`,
        maintenance: 'true',
        maintenance_allow: Array.from({ length: 50 }, (_, part) => `10.${n % 250}.${part}.0/24`).join(),
      }),
    ],
    [
      'cookies',
      'main configuration file',
      (n: number) => ({
        hosts: `h${n}.example.org`,
        sticky_session_cookie: `${'c'.repeat(50)}${n}`,
      }),
    ],
    [
      'paths of one host',
      'configuration',
      (n: number) => ({
        hosts: 'a.example.org',
        context_root: `/${String(n).padStart(400, 'p')}`,
      }),
    ],
  ])('because of %s is reduced', (_, resource, labels) => {
    const greedy = { ...aService('greedy', { createdAt: '1' }), labels: groups(MOST_GROUPS, labels) };

    const { routes, problems, hostsOf } = build([greedy, aService('shop', { createdAt: '2' })]);

    expect(hostsOf('shop')).toEqual(['shop.example.org']);
    expect(routes.length).toBeGreaterThan(20);
    expect(routes.length).toBeLessThan(MOST_GROUPS);
    const errors = problems.filter(({ severity }) => severity === 'error');
    expect(errors).toMatchObject([{ service: 'greedy', reason: expect.stringContaining(resource) }]);
  });

  it('because of replicas on many ports is reduced', () => {
    const labels = groups(20, (n) => ({ hosts: `h${n}.example.org`, port: String(1000 + n) }));
    const greedy = { ...aService('greedy', { mode: { kind: 'replicated', replicas: 9000 } }), labels };

    const { routes, problems } = build([greedy]);

    expect(routes).toHaveLength(2);
    expect(problems).toMatchObject([{ service: 'greedy', reason: expect.stringContaining('32 MiB of memory') }]);
  });

  it('because of limits per client on many paths is reduced', () => {
    const labels = groups(100, (n) => ({
      hosts: 'a.example.org',
      context_root: `/${n}`,
      rate_limit: '5r/s key=host',
    }));

    const { routes, problems } = build([{ ...aService('greedy'), labels }]);

    expect(routes).toHaveLength(31);
    expect(problems).toMatchObject([{ service: 'greedy', reason: expect.stringContaining('32 MiB of memory') }]);
  });

  it('is parsed only up to its limits', () => {
    const many = aService('many', { host: names(40_000, 'example.org').join(',') });
    const costly = aService('costly', {
      host: names(9000, '')
        .map((_, n) => `~^a{1,99}[a-z]*${n}$`)
        .join(','),
    });
    const grouped = { ...aService('grouped'), labels: groups(9000, (n) => ({ hosts: `g${n}.example.org` })) };

    const { problems, routes } = build([many, costly, grouped]);

    const [first] = problems.filter(({ service }) => service === 'many');
    expect(first).toMatchObject({ value: `h${MOST_HOSTS}.example.org`, reason: expect.stringContaining('2000 hosts') });
    expect(problems.filter(({ service }) => service === 'costly')).toContainEqual(
      expect.objectContaining({ reason: expect.stringContaining(`${MOST_EXPRESSIONS} regular expressions`) }),
    );
    expect(problems).toContainEqual(
      expect.objectContaining({
        service: 'grouped',
        reason: expect.stringContaining(`${MOST_GROUPS} numbered groups`),
      }),
    );
    expect(routes.filter(({ service }) => service.name === 'grouped').length).toBeLessThanOrEqual(MOST_GROUPS);
  });
});

describe('a full cluster', () => {
  const crowd = Array.from({ length: 30 }, (_, n) =>
    aService(`crowd${n}`, {
      createdAt: String(n).padStart(3, '0'),
      host: names(30, '')
        .map((_, h) => String.raw`~^(.+\.)?t${n}x${h}\.example\.org$`)
        .slice(0, 25)
        .join(','),
    }),
  );

  it('keeps what older services have', () => {
    const old = build(crowd.slice(0, 8));
    const full = build(crowd.toReversed());

    for (const { name } of crowd.slice(0, 8)) expect(full.hostsOf(name)).toEqual(old.hostsOf(name));
    expect(full.hostsOf('crowd0').length).toBeGreaterThan(15);
    expect(full.hostsOf('crowd29')).toEqual([]);
    expect(full.problems).toContainEqual(
      expect.objectContaining({
        service: 'crowd29',
        reason: expect.stringContaining('finds no room in cluster default, whose older services use most of 1,000,000'),
      }),
    );
  });

  it('has the same routes in the next pass, as the same objects', () => {
    const builder = createStateBuilder();
    const before = build(crowd, builder);

    const after = build([...crowd, aService('shop', { createdAt: '999' })], builder);

    const known = new Set(before.routes);
    expect(after.routes.filter((route) => !known.has(route)).map(({ service }) => service.name)).toEqual(['shop']);
  });
});

it('several services cannot fill the file of one host', () => {
  const sharing = Array.from({ length: 4 }, (_, n) => ({
    ...aService(`sharing${n}`, { createdAt: String(n) }),
    labels: groups(200, (path) => ({
      hosts: 'shared.example.org',
      context_root: `/${n}-${String(path).padStart(300, 'p')}`,
    })),
  }));

  const { routes, problems } = build(sharing);

  const { files } = render({ ...inputOf([]), routes });
  expect(Math.max(...files.map(({ text }) => text.length))).toBeLessThan(HOST_BYTES);
  expect(problems).toMatchObject([{ service: 'sharing1' }, { service: 'sharing2' }, { service: 'sharing3' }]);
});

describe('the estimated size', () => {
  const tls = {
    kind: 'terminated' as const,
    certificate: 'demo_app.example.org.cert',
    key: 'demo_app.example.org.key',
    isStapled: true,
    hsts: '',
    clientCa: '',
  };
  const hsts = 'max-age=31536000; includeSubDomains';
  const cors = { origins: ['https://a.test'], methods: ['GET'], headers: ['X-Tenant'], credentials: true, maxAge: 600 };
  const all = { rewrite: true, sslOnly: true, clientCertificate: 'required', backendCa: 'ca', responseHeaderKb: 64 };
  it.each<[string, Partial<Route>, object]>([
    ['plain HTTP', {}, {}],
    ['TLS', { tls }, {}],
    ['TLS with HSTS', { tls: { ...tls, hsts } }, {}],
    ['client certificates', { tls: { ...tls, hsts, clientCa: 'clients-ca' } }, { clientCertificate: 'required' }],
    [
      'a revocation list',
      { tls: { ...tls, hsts, clientCa: 'ca', clientCrl: 'clients-crl' } },
      { clientCertificate: 'required' },
    ],
    ['TLS versions', { tls: { ...tls, protocols: 'TLSv1.2 TLSv1.3' } }, {}],
    ['a closed TLS host', { tls: { kind: 'closed' } }, {}],
    ['a service that terminates TLS', { tls: { kind: 'passthrough', proxyProtocol: false } }, {}],
    ['gRPC', { tls: { ...tls, hsts } }, { protocol: 'grpcs', backendCa: 'ca', responseHeaderKb: 64 }],
    ['a removed context root', {}, { rewrite: true }],
    [
      'response headers',
      {},
      {
        responseHeaders: [
          ['X-Removed', ''],
          ['X-Long', '$"\\'.repeat(300)],
        ],
      },
    ],
    ['users', {}, { basicAuth: { users: 'users', realm: 'x'.repeat(64), forward: false } }],
    [
      'an authenticator',
      {},
      {
        forwardAuth: {
          ...{ scheme: 'http', name: 'checker', port: 9091, target: '/verify', signin: 'https://auth.example.org/' },
          peers: [{ address: 'tasks.checker.app', port: 9091, resolve: true }],
          headers: ['Remote-User', 'Remote-Groups', 'Remote-Email'],
          open: ['/health'],
        },
      },
    ],
    ['response headers over TLS', { tls: { ...tls, hsts } }, { responseHeaders: [['A', 'b']] }],
    [
      'request headers',
      {},
      {
        requestHeaders: {
          headers: [
            ['X-Long', '$"\\'.repeat(300)],
            ['X-Removed', ''],
          ],
        },
      },
    ],
    ['request headers of gRPC', {}, { protocol: 'grpc', requestHeaders: { headers: [['A', 'b']] } }],
    ['an upstream host', { tls: { ...tls, hsts } }, { upstreamHost: { host: 'app.internal' } }],
    ['basic security headers', { tls: { ...tls, hsts } }, { securityHeaders: 'basic' }],
    ['strict security headers', {}, { securityHeaders: 'strict' }],
    ['CORS', { tls: { ...tls, hsts } }, { cors }],
    ['compression', {}, { compress: { always: false } }],
    ['paths of cookies', {}, { cookiePath: { from: '', to: '/%C3%A4.b/c' } }],
    [
      'limits of requests',
      {},
      { readTimeout: 86_400, connectTimeout: 75, maxBodySize: '999999999k', buffering: 'requests-off' },
    ],
    ['a path before requests', {}, { backendPath: `/${'é"$'.repeat(50)}` }],
    ['a canonical host', { canonicalHost: 'www.example.org', tls: { ...tls, hsts } }, {}],
    [
      'redirects of paths',
      {
        tls: { ...tls, hsts },
        pathRedirects: Array.from({ length: 400 }, (_, n) => ({
          host: `host${100 + (n % 20)}.example.org`,
          path: `/old/${n}`,
          secure: n % 2 === 0,
          target: `https://new.example.org/${'x'.repeat(100)}`,
          status: 301 as const,
        })),
      },
      {},
    ],
    [
      'limits per client',
      { tls: { ...tls, hsts } },
      { rateLimit: { rate: '100000r/m', burst: 100_000, key: 'address', isTrial: true }, connectionLimit: 65_535 },
    ],
    [
      'conditions',
      { tls: { ...tls, hsts }, match: [{ kind: 'header', name: 'x-canary', value: '1' }] },
      { maxBodySize: '1m' },
    ],
    ['a weight', { tls: { ...tls, hsts }, weight: 10 }, { affinity: { kind: 'cookie', name: 'app' } }],
    [
      'a fallback',
      { tls: { ...tls, hsts } },
      {
        fallback: { name: 'waker', port: 80, peers: [{ address: 'tasks.waker.app', port: 80, resolve: true }] },
        responseHeaders: [['A', 'b']],
      },
    ],
    [
      'error pages',
      { tls: { ...tls, hsts } },
      {
        errorPages: {
          ...{ name: 'pages', port: 80, statuses: Array.from({ length: 100 }, (_, n) => 500 + n) },
          peers: [{ address: 'tasks.pages.app', port: 80, resolve: true }],
        },
        fallback: { name: 'waker', port: 80, peers: [{ address: 'tasks.waker.app', port: 80, resolve: true }] },
        responseHeaders: [['A', 'b']],
      },
    ],
    [
      'copies',
      { tls: { ...tls, hsts } },
      {
        mirror: {
          ...{ name: 'shadow', port: 80, percent: 10 },
          peers: [{ address: 'tasks.shadow.app', port: 80, resolve: true }],
        },
        requestHeaders: { headers: [['A', 'b']] },
      },
    ],
    ['maintenance', { maintenance: { allow: ['10.0.0.0/8'] }, tls: { ...tls, hsts } }, {}],
    [
      'all together',
      { tls: { ...tls, hsts, clientCa: 'ca' }, maintenance: { allow: ['10.0.0.0/8'] } },
      { ...all, protocol: 'https' },
    ],
  ])('is at least that of the text, for %s', (_, change, options) => {
    const [route] = inputOf([aService('shop')]).routes;
    const like = { ...route!, ...change, options: { ...route!.options, ...options } } as Route;
    const hosts = Array.from({ length: 20 }, (_, n) => ({
      kind: 'exact' as const,
      name: `host${100 + n}.example.org`,
    }));
    const sizeOf = (routes: readonly Route[]) =>
      render({ ...inputOf([]), trustedProxies: ['10.0.0.0/8'], routes }).files.reduce(
        (sum, { text }) => sum + text.length,
        0,
      );
    const perHost = (more: Partial<Route>) =>
      (sizeOf([{ ...like, ...more, hosts }]) - sizeOf([{ ...like, ...more, hosts: hosts.slice(0, 1) }])) / 19;

    for (const path of ['', '/path']) {
      const assumed = hostUsage({ ...like, path }, hosts[0]!).bytes;
      expect(assumed).toBeGreaterThanOrEqual(perHost({ path }));
      expect(assumed).toBeLessThan(4 * perHost({ path }));
    }
    expect(routeUsage(like, 1).bytes).toBeGreaterThan(500);
  });
});
