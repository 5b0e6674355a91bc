import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { getRequestListener } from '@hono/node-server';
import { Hono } from 'hono';
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { createAuthority, issueIdentity } from '../../../src/protocol/certificates.ts';
import { signalbox } from '../../support/command-line.ts';

/** A state as the controller returns it. */
const state = {
  streams: undefined as object[] | undefined,
  observedAt: '2026-01-01T00:00:00.000Z',
  enabled: true,
  error: null as string | null,
  clusters: [
    {
      name: 'default',
      version: '1111111111111111',
      served: '0000000000000000',
      rolling: true,
      held: null as string | null,
      httpPort: 8080,
      httpsPort: 8443,
      replicas: [{ state: 'running' }, { state: 'starting' }],
    },
  ],
  routes: [
    {
      ...{
        cluster: 'default',
        host: 'app.example.org',
        path: '/',
        services: ['shop_app', 'shop_new'],
        available: true,
      },
      answer: { kind: 'service', text: '2 of 2 tasks' },
    },
    { cluster: 'east', host: '*', path: '/api', services: ['shop_api'], available: false },
    {
      cluster: 'east',
      host: 'shut',
      path: '/',
      services: ['shop_shut'],
      available: true,
      maintenance: true,
      answer: { kind: 'maintenance', text: 'under maintenance' },
    },
  ],
  services: ['shop_app', 'shop_new', 'shop_api', 'shop_shut'].map((name) => ({ name, tasks: 1 })),
  problems: [
    {
      severity: 'error',
      service: 'shop_app',
      label: 'com.docker.lb.port',
      value: 'x',
      reason: 'is not a whole number',
      remedy: 'Give it a port.',
    },
    { severity: 'notice', service: 'shop_api', reason: 'is new', remedy: 'Nothing.' },
  ],
  maintenance: [
    { kind: 'host', name: 'shut', allow: ['10.0.0.0/8'], who: 'admin', since: '2026-01-01T00:00:00.000Z' },
    { kind: 'service', name: 'shop_api', allow: [], who: null, since: null },
  ],
};

const totals = {
  ...{ requests: 720, perSecond: 12, p50: 12, p95: 80, p99: 1500, sent: 1_200_000, received: 1000 },
  classes: { other: 0, '1xx': 0, '2xx': 700, '3xx': 0, '4xx': 10, '5xx': 10 },
  tls: { none: 720, 'TLSv1.2': 0, 'TLSv1.3': 0, other: 0 },
};
const part = { cluster: 'default', path: null, address: null, task: null, node: null, totals };
const traffic = {
  totals,
  connections: { open: 40, reading: 1, writing: 5, waiting: 34 },
  parts: [
    { ...part, kind: 'cluster', host: null },
    { ...part, kind: 'host', host: 'app.example.org' },
  ],
  errors: [
    {
      ...{ at: '2026-01-01T00:00:00.000Z', cluster: 'default', host: 'app.example.org', path: null, status: 502 },
      ...{ request: 'GET /cart', id: 'some-id', address: '10.0.1.5:8080', reason: 'The task refused the connection' },
    },
  ],
  lost: 0,
};

const numbered = (count: number) => Array.from({ length: count }, (_, n) => `line ${n + 1}`);
const configurations: Readonly<Record<string, readonly string[]>> = {
  one: numbered(30),
  other: numbered(30).toSpliced(9, 1, 'changed').toSpliced(20, 0, 'new'),
};

const tokens = [
  {
    id: '1b',
    name: 'ci',
    role: 'operator',
    cluster: null as string | null,
    createdAt: '2026-01-01T00:00:00.000Z',
    createdBy: 'admin',
    expiresAt: '2026-04-01T00:00:00.000Z',
  },
];

const idle = {
  observedAt: '2026-01-01T00:00:00.000Z' as string | null,
  error: null as string | null,
  actions: [] as object[],
  waiting: [] as string[],
  unobserved: [] as string[],
};
let planned = idle;

let answered: Omit<typeof state, 'problems'> & { problems: readonly object[] } = state;
/** Requested changes: method, path and body. */
let changes: [method: string, path: string, body: unknown][] = [];
const app = new Hono()
  .post('/auth/login', async (context) => {
    const { username, password } = await context.req.json();
    if (username === 'admin' && password === 'secret') return context.json({ auth_token: 'the-token' });
    return context.json({ title: 'Wrong name or password' }, 401);
  })
  .get('/api/plan', (context) => context.json(planned))
  .get('/api/traffic', ({ req, json }) => {
    const { host, ...asked } = req.query();
    return json(host === undefined ? traffic : { ...traffic, asked: { host, ...asked } });
  })
  .get('/api/state', (context) => {
    if (context.req.header('authorization') !== 'Bearer the-token') return context.json({ title: 'Log in first' }, 401);
    return context.json(answered);
  })
  .get('/api/clusters/:cluster/versions', ({ json }) =>
    json([
      {
        version: '1111111111111111',
        createdAt: '2026-01-02T00:00:00Z',
        cause: 'admin: Released default',
        changes: { lines: ['+ app.example.org → shop_app'], total: { lines: 9 } },
      },
      { version: '0000000000000000', createdAt: '2026-01-01T00:00:00Z' },
    ]),
  )
  .get('/api/clusters/default/versions/1111/changes', ({ json }) =>
    json({
      appear: ['new.example.org'],
      disappear: ['a.example.org', 'b.example.org'],
      lines: ['+ new.example.org → shop_app', '− a.example.org → shop_api', '~ c.example.org: shop_a → shop_b'],
      total: { appear: 1, disappear: 7, lines: 9 },
    }),
  )
  .get('/api/clusters/default/versions/:version', ({ req, text, json }) => {
    const lines = configurations[req.param('version')];
    return lines === undefined ? json({ title: 'No such version' }, 404) : text(lines.join('\n'));
  })
  .get('/api/logs', ({ req, json }) =>
    json({
      lines: [{ at: '2026-01-01T00:00:00Z', node: 'w1', text: `GET /?${new URLSearchParams(req.query())}` }],
      silent: [{ node: 'w2', reason: 'no answer within 5 s' }],
      cursor: '{}',
    }),
  )
  .get('/api/explain', ({ req, json }) =>
    json([
      {
        ...{ cluster: 'default', url: req.query('url'), answer: { kind: 'redirect', status: 308, location: '/' } },
        ...{ because: [new URL(req.url).search], passedOver: [], fromSettings: [] },
        effects: [{ label: 'ssl_only', text: 'HTTP requests are redirected to HTTPS.' }],
      },
    ]),
  )
  .get('/api/doctor', ({ json }) =>
    json({
      observedAt: new Date().toISOString(),
      results: [
        { check: 'nodes', title: 'Nodes are ready', status: 'ok', findings: [] },
        { check: 'disk', title: 'Disk has room', status: 'unknown', findings: [] },
        {
          ...{ check: 'ports', title: 'Ports are open', status: 'found' },
          findings: [{ severity: 'error', what: 'Port 7946 of w1 is closed', why: 'Gossip.', fix: 'Open it.' }],
        },
      ],
    }),
  )
  .get('/api/certificates', ({ json }) =>
    json([
      { name: 'own', source: 'secret', hosts: ['b.apps.example.org'] },
      { name: '*.apps.example.org', source: 'acme', hosts: ['a.apps.example.org', 'b.apps.example.org'] },
    ]),
  )
  .post('/api/certificates/:name/renewal', ({ req, json }) => {
    const name = req.param('name');
    changes.push(['POST', decodeURIComponent(req.path), undefined]);
    if (name === 'unknown.example.org') return json({ title: 'No such certificate', detail: 'None is ordered.' }, 404);
    return json({ name, at: '2026-01-01T00:00:00.000Z' });
  })
  .get('/api/tokens', ({ json }) => json(tokens))
  .post('/api/tokens', async ({ req, json }) => {
    const body = await req.json();
    changes.push(['POST', req.path, body]);
    return json({ ...tokens[0], ...body, token: 'sbt_new' });
  })
  .on(['PUT', 'POST', 'DELETE'], '/api/*', async ({ req, body, json }) => {
    const text = await req.text();
    changes.push([req.method, req.path, text === '' ? undefined : JSON.parse(text)]);
    if (req.path.endsWith('/nobody')) return json({ title: 'No such host', detail: 'No route has it.' }, 404);
    if (!req.path.startsWith('/api/interlock')) return body(null, 204);
    if (text.includes('9000')) return json({ title: 'Port taken', detail: 'By shop.' }, 409);
    return json({ InterlockEnabled: req.method === 'POST', HTTPPort: 81, HTTPSPort: 8443 });
  });

let folder: string;
let url: string;
let ca: string;
let password: string;

beforeAll(async () => {
  const authority = await createAuthority(Date.now());
  const { cert, key } = await issueIdentity(authority, 'admin.signalbox', Date.now());
  const server = createServer({ cert, key }, getRequestListener(app.fetch));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  folder = mkdtempSync(join(tmpdir(), 'signalbox-'));
  url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
  ca = join(folder, 'ca.pem');
  password = join(folder, 'password');
  writeFileSync(ca, authority.ca);
  writeFileSync(password, 'secret\n');
  return () => {
    server.close();
    rmSync(folder, { recursive: true });
  };
});

afterEach(() => {
  answered = state;
  planned = idle;
  changes = [];
});

/** With everything needed for access. */
function ask(...argv: string[]) {
  return signalbox([...argv, '--url', url, '--ca', ca, '--password-file', password]);
}

describe('signalbox status', () => {
  it('prints the health', async () => {
    expect(await ask('status')).toEqual({
      code: 0,
      out: `Healthy, last observed 2026-01-01T00:00:00.000Z
3 routes, 1 error, 1 notice
Under maintenance: shut, shop_api

CLUSTER  PORTS       VERSION           SERVED                      REPLICAS
default  8080, 8443  1111111111111111  0000000000000000 (rolling)  1 of 2
`,
      err: '',
    });
  });

  it('fails if the controller is failing', async () => {
    answered = { ...state, error: 'no engine' };

    expect(await ask('status')).toMatchObject({ code: 1, out: expect.stringContaining('Unhealthy: no engine') });
  });

  it('fails if a cluster has an error of its own', async () => {
    const reason = 'No proxy is running: signalbox-proxy is scaled to 0';
    const problem = { severity: 'error', cluster: 'default', reason, remedy: 'Start proxies.' };
    answered = { ...state, problems: [...state.problems, problem] };

    expect(await ask('status')).toMatchObject({ code: 1, out: expect.stringContaining(`Unhealthy: ${reason}`) });
  });

  it('shows what an administrator switched off and holds', async () => {
    const [cluster] = state.clusters;
    answered = { ...state, enabled: false, clusters: [{ ...cluster!, rolling: false, held: '0000000000000000' }] };

    const { out } = await ask('status');
    expect(out).toContain('Layer 7 routing is disabled');
    expect(out).toContain('0000000000000000 (held)');
  });

  it('prints the state as JSON', async () => {
    expect(JSON.parse((await ask('status', '--json')).out)).toEqual(state);
  });
});

describe('signalbox plan', () => {
  it('says if there is nothing to do', async () => {
    expect(await ask('plan')).toEqual({
      code: 0,
      out: 'Nothing to do.\nLast observed 2026-01-01T00:00:00.000Z\n',
      err: '',
    });
  });

  it('prints the actions and what is waited for', async () => {
    const actions = [
      { cluster: null, kind: 'remove-service', sentence: 'Remove the service old.' },
      { cluster: 'east', kind: 'render', sentence: 'Request a configuration.' },
    ];
    planned = { ...idle, error: 'no quorum', actions, waiting: ['east'], unobserved: ['west'] };

    expect((await ask('plan')).out).toBe(`The controller fails: no quorum
CLUSTER  ACTION
-        Remove the service old.
east     Request a configuration.
Cluster east waits for a change in progress and is checked again.
Cluster west has not been observed yet.
Last observed 2026-01-01T00:00:00.000Z
`);
  });

  it('does not say that nothing is to do before the first observation', async () => {
    planned = { ...idle, observedAt: null };

    expect((await ask('plan')).out).toBe('The swarm has not been observed yet.\n');
  });

  it('prints the plan as JSON', async () => {
    expect(JSON.parse((await ask('plan', '--json')).out)).toEqual(idle);
  });
});

describe('signalbox routes', () => {
  it('lists all routes, and what they answer if the controller says so', async () => {
    expect((await ask('routes')).out).toBe(`HOST             PATH  SERVICES            CLUSTER  ANSWER
app.example.org  /     shop_app, shop_new  default  2 of 2 tasks
*                /api  shop_api            east     503
shut             /     shop_shut           east     under maintenance
`);
  });

  it('lists TCP and UDP ports after them', async () => {
    const common = {
      cluster: 'east',
      port: 5432,
      tls: 'none',
      service: 'shop_db',
      available: true,
      answer: 'forwarded',
    };
    state.streams = [
      { ...common, protocol: 'tcp', host: 'db.example.org' },
      { ...common, protocol: 'udp', host: null },
    ];
    expect((await ask('routes', '5432')).out).toBe(`HOST                     PATH  SERVICES  CLUSTER  ANSWER
tcp/5432 db.example.org        shop_db   east     forwarded
udp/5432                       shop_db   east     forwarded
`);
    state.streams = undefined;
  });

  it.each(['shop_api', '*/api', '/api'])('lists those that match %s', async (text) => {
    expect(JSON.parse((await ask('routes', text, '--json')).out)).toEqual([state.routes[1]]);
  });
});

describe('signalbox top', () => {
  it('prints the requests of each host once without a terminal', async () => {
    expect((await ask('top')).out).toBe(
      `HOST             REQ/S  REQUESTS  2XX  3XX  4XX  5XX  P50    P95    P99    SENT
app.example.org  12     720       700  0    10   10   12 ms  80 ms  1.5 s  1.2 MB
total            12     720       700  0    10   10   12 ms  80 ms  1.5 s  1.2 MB

40 connections, 5 of them with a request or WebSocket

Last server errors:
2026-01-01T00:00:00.000Z  502  app.example.org GET /cart  The task refused the connection  10.0.1.5:8080  some-id
`,
    );
  });

  it('asks for a host, a cluster and a range', async () => {
    expect(
      JSON.parse((await ask('top', 'app.example.org', '--cluster', 'east', '--range', '1h', '--json')).out),
    ).toEqual({
      ...traffic,
      asked: { host: 'app.example.org', cluster: 'east', range: '1h' },
    });
  });

  it('rejects unknown ranges', async () => {
    expect(await ask('top', '--range', '2h')).toMatchObject({ code: 2 });
  });
});

describe('signalbox problems', () => {
  it('lists problems, and fails if one is an error', async () => {
    expect(await ask('problems')).toEqual({
      code: 1,
      out: `error: com.docker.lb.port "x" is not a whole number (shop_app)
    Give it a port.

notice: is new (shop_api)
    Nothing.

1 error, 1 notice
`,
      err: '',
    });
  });

  it('lists those of a service', async () => {
    expect(await ask('problems', 'shop_api', '--json')).toMatchObject({
      code: 0,
      out: expect.not.stringContaining('shop_app'),
    });
    expect(await ask('problems', 'shop_new')).toEqual({ code: 0, out: 'No problems\n', err: '' });
  });

  it.each([
    ['nobody', 'Service nobody has neither routes nor problems.'],
    ['shop_ap', 'Service shop_ap has neither routes nor problems. Did you mean shop_app?'],
    ['api', 'Service api has neither routes nor problems. Did you mean shop_api?'],
  ])('rejects %s, which is no service', async (name, message) => {
    expect(await ask('problems', name)).toEqual({
      code: 2,
      out: '',
      err: `signalbox: ${message}\nSee: signalbox help problems\n`,
    });
  });
});

describe('signalbox logs', () => {
  it('prints the lines with their nodes, and names nodes that do not answer', async () => {
    expect(await ask('logs', 'shop.example.org', '--tail', '5')).toEqual({
      code: 0,
      out: 'w1 GET /?host=shop.example.org&tail=5&cursor=\n',
      err: 'signalbox: w2: no answer within 5 s\n',
    });
    expect(JSON.parse((await ask('logs', 'shop.example.org', '--json')).out)).toMatchObject({ node: 'w1' });
    expect(await ask('logs')).toMatchObject({ code: 2 });
    expect(await ask('logs', 'shop.example.org', '--tail', 'all')).toMatchObject({ code: 2 });
  });
});

describe('signalbox doctor', () => {
  it('prints each finding with its reason and fix, and fails if one is an error', async () => {
    const { code, out } = await ask('doctor', '--skip-dns');

    expect(code).toBe(1);
    expect(out).toBe(`✔ Nodes are ready
? Disk has room: not visible from here
✘ error: Port 7946 of w1 is closed
    Gossip.
    Fix: Open it.
✔ The clocks of this machine and of the controller agree within 5 s
? DNS of this machine knows the hosts of routes: not visible from here
`);
    expect(JSON.parse((await ask('doctor', '--skip-dns', '--json')).out)).toHaveLength(5);
  });
});

describe('signalbox problems of many services', () => {
  const mistake = (service: string, more: object = {}) => ({
    id: 'label-invalid',
    severity: 'error',
    service,
    label: 'com.docker.lb.port',
    value: 'x',
    reason: 'is not a whole number',
    remedy: 'Give it a port.',
    since: '2026-01-01T00:00:00.000Z',
    ...more,
  });
  const unknown = {
    id: 'label-unknown',
    severity: 'warning',
    label: 'com.docker.lb.host',
    reason: 'is an unknown label',
  };

  it('are grouped by cause, the worst first', async () => {
    const services = Array.from({ length: 12 }, (_, n) => `app${n}`);
    const problems = [
      mistake('late', unknown),
      ...services.map((name) => mistake(name)),
      mistake('other', { value: 'y' }),
    ];
    answered = { ...state, problems } as never;

    expect((await ask('problems')).out).toBe(`label-invalid (13), docs/problems.md#label-invalid
error: com.docker.lb.port "x" is not a whole number
    Give it a port.
    12 services: app0, app1, app2, app3, app4, app5, app6, app7, app8, app9, and 2 more
    since 2026-01-01T00:00:00.000Z
error: com.docker.lb.port "y" is not a whole number (other)
    Give it a port.
    since 2026-01-01T00:00:00.000Z

label-unknown (1), docs/problems.md#label-unknown
warning: com.docker.lb.host "x" is an unknown label (late)
    Give it a port.
    since 2026-01-01T00:00:00.000Z

13 errors, 1 warning
`);
    expect((await ask('problems', '--severity', 'error', '--filter', 'OTHER port')).out).toContain(
      '1 error, 13 more do not match',
    );
    expect(await ask('problems', '--severity', 'bad')).toMatchObject({ code: 2 });
  });

  it('stay readable with 20,000', async () => {
    const problems = Array.from({ length: 20_000 }, (_, n) => mistake(`app${n}`, { value: `${n % 500}` }));
    answered = { ...state, problems } as never;

    const { out } = await ask('problems');

    expect(out.split('\n').length).toBeLessThan(60);
    expect(out).toContain('and 490 more. List them with --all, or choose with --filter.');
    expect((await ask('problems', '--all')).out.length).toBeGreaterThan(100_000);
  });
});

describe('signalbox problems of several services', () => {
  const label = 'com.docker.lb.ssl_cert';
  const problem = {
    severity: 'warning',
    label,
    value: 'site',
    reason: 'the certificate in secret site expires on 2026-12-09',
    remedy: 'Create a new one.',
    affects: [
      { service: 'shop_api', label, routes: ['api.example.org/'] },
      { service: 'shop_app', label, routes: Array.from({ length: 12 }, (_, n) => `${n}/`) },
    ],
  };
  beforeEach(() => {
    answered = { ...state, problems: [problem] } as never;
  });

  it('are listed once, with the routes', async () => {
    expect((await ask('problems')).out).toBe(`warning: ${label} "site": ${problem.reason}
    ${label} (shop_api): api.example.org/
    ${label} (shop_app): 0/, 1/, 2/, 3/, 4/, 5/, 6/, 7/, 8/, 9/, and 2 more
    Create a new one.

1 warning
`);
  });

  it.each([
    ['shop_api', '1 warning'],
    ['shop_app', '1 warning'],
    ['shop_new', 'No problems'],
  ])('are found by each of them: %s', async (service, last) => {
    expect((await ask('problems', service)).out.trim().split('\n').at(-1)).toBe(last);
  });
});

describe('signalbox tokens', () => {
  it('prints only the new token, so that it can be written to a file', async () => {
    expect(await ask('tokens', 'create', 'ci', '--role', 'operator', '--cluster', 'east', '--days', '30')).toEqual({
      code: 0,
      out: 'sbt_new\n',
      err: 'Created ci: operator, cluster east, valid until 2026-04-01T00:00:00.000Z. It is shown only once.\n',
    });
    expect(changes).toEqual([['POST', '/api/tokens', { name: 'ci', role: 'operator', cluster: 'east', days: 30 }]]);
  });

  it('lists tokens, and revokes them by name or identifier', async () => {
    const list = `TOKEN  ROLE      CLUSTER  VALID UNTIL               CREATED BY
ci     operator  *        2026-04-01T00:00:00.000Z  admin
`;
    expect((await ask('tokens')).out).toBe(list);
    expect((await ask('tokens', 'revoke', 'ci', '2c')).out).toBe(list);
    expect(changes).toEqual([
      ['DELETE', '/api/tokens/1b', undefined],
      ['DELETE', '/api/tokens/2c', undefined],
    ]);
  });

  it.each([
    [['tokens', 'make'], 'Invalid argument make. Use list, create or revoke.'],
    [['tokens', 'create'], '"tokens create" takes one name.'],
    [
      ['tokens', 'create', 'ci', '--role', 'root'],
      'Unknown role root. Choose one of: viewer, operator, administrator.',
    ],
    [['tokens', 'create', 'ci', '--days', 'many'], 'many is not a number of days.'],
    [['tokens', 'revoke'], 'Missing argument: token.'],
    [['tokens', '--role', 'viewer'], '--role, --cluster and --days are only valid with "tokens create".'],
  ])('rejects %j', async (argv, message) => {
    expect(await ask(...argv)).toMatchObject({ code: 2, err: expect.stringContaining(message) });
    expect(changes).toEqual([]);
  });

  it('accepts an API token instead of a password', async () => {
    const file = join(folder, 'token');
    writeFileSync(file, 'the-token\n');
    const where = ['--url', url, '--ca', ca];
    expect((await signalbox(['status', ...where, '--token-file', file])).code).toBe(0);
    expect((await signalbox(['status', ...where], { env: { SIGNALBOX_TOKEN: 'the-token' } })).code).toBe(0);
    expect((await signalbox(['status', ...where], { env: { SIGNALBOX_TOKEN: 'revoked' } })).code).toBe(3);
    const env = { SIGNALBOX_TOKEN: 'revoked' };
    expect((await signalbox(['status', ...where, '--password-file', password], { env })).code).toBe(0);
  });
});

describe('signalbox certificates --renew', () => {
  it('renews the certificate that covers a host', async () => {
    const { code, out } = await ask('certificates', '--renew', 'B.apps.example.org');
    expect([code, out]).toEqual([
      0,
      'The certificate for *.apps.example.org is ordered from 2026-01-01T00:00:00.000Z on\n',
    ]);
    expect(changes).toEqual([['POST', '/api/certificates/*.apps.example.org/renewal', undefined]]);
  });

  it('fails for hosts without an ordered certificate', async () => {
    expect(await ask('certificates', '--renew', 'unknown.example.org')).toMatchObject({
      err: expect.stringContaining('None is ordered.'),
      out: '',
    });
  });
});

describe('signalbox maintenance', () => {
  it('lists what is under maintenance', async () => {
    expect(
      (await ask('maintenance')).out,
    ).toBe(`CLOSED    KIND     ALLOWED     BY     SINCE                     UNTIL  REASON
shut      host     10.0.0.0/8  admin  2026-01-01T00:00:00.000Z  -      -
shop_api  service  -           label  -                         -      -
`);
    answered = { ...state, maintenance: [] };
    expect((await ask('maintenance')).out).toBe('Nothing is under maintenance\n');
  });

  it('closes hosts and services, and opens them again', async () => {
    expect(await ask('maintenance', 'on', 'app.example.org', 'shop_app', '--allow', '10.0.0.0/8, ::1')).toMatchObject({
      code: 0,
      err: '',
    });
    await ask('maintenance', 'on', 'shut', '--reason', 'Upgrade', '--until', '2030-05-01T06:00Z');
    await ask('maintenance', 'on', 'shop_shut', '--service');
    await ask('maintenance', 'off', 'shut', 'shop_api');
    const allow = ['10.0.0.0/8', '::1'];
    expect(changes).toEqual([
      ['PUT', '/api/maintenance/hosts/app.example.org', { allow }],
      ['PUT', '/api/maintenance/services/shop_app', { allow }],
      ['PUT', '/api/maintenance/hosts/shut', { allow: [], reason: 'Upgrade', until: '2030-05-01T06:00:00.000Z' }],
      ['PUT', '/api/maintenance/services/shop_shut', { allow: [] }],
      ['DELETE', '/api/maintenance/hosts/shut', undefined],
      ['DELETE', '/api/maintenance/services/shop_api', undefined],
    ]);
  });

  it('ends after a time', async () => {
    await ask('maintenance', 'on', 'shut', '--for', '2h');

    const { until } = changes[0]![2] as { until: string };
    expect(Date.parse(until) - Date.now()).toBeGreaterThan(7_100_000);
    expect(Date.parse(until) - Date.now()).toBeLessThanOrEqual(7_200_000);
  });

  it('changes nothing if one of the names is unknown', async () => {
    expect(await ask('maintenance', 'on', 'app.example.org', 'app.exmple.org')).toEqual({
      code: 2,
      out: '',
      err: `signalbox: No route uses the host app.exmple.org. Nothing was changed. Did you mean app.example.org?
See: signalbox help maintenance
`,
    });
    expect(changes).toEqual([]);
  });

  it.each([
    ['on', 'shut', '--for', '2 hours'],
    ['on', 'shut', '--until', 'soon'],
    ['on', 'shut', '--until', '2030-05-01T06:00Z', '--for', '1h'],
    ['off', 'shut', '--reason', 'x'],
  ])('rejects %s %s %s %s', async (...argv) => {
    expect(await ask('maintenance', ...argv.filter((word) => word !== undefined))).toMatchObject({ code: 2 });
    expect(changes).toEqual([]);
  });

  it.each([['up'], ['on'], ['off', 'x', '--allow', '::1'], ['--allow', '::1']])('rejects %s', async (...argv) => {
    expect(await ask('maintenance', ...argv)).toMatchObject({ code: 2, out: '' });
    expect(changes).toEqual([]);
  });
});

describe('signalbox enable and disable', () => {
  it('switch routing on and off', async () => {
    expect((await ask('enable', '--http', '81')).out).toBe('On, HTTP 81, HTTPS 8443\n');
    expect((await ask('enable')).code).toBe(0);
    expect((await ask('disable')).out).toBe('Off\n');
    expect(JSON.parse((await ask('disable', '--json')).out)).toMatchObject({ InterlockEnabled: false });
    expect(changes.slice(0, 3)).toEqual([
      ['POST', '/api/interlock', { HTTPPort: 81 }],
      ['POST', '/api/interlock', {}],
      ['DELETE', '/api/interlock', undefined],
    ]);
  });

  it('report why a port is rejected', async () => {
    expect(await ask('enable', '--https', '9000')).toMatchObject({ code: 1, err: 'signalbox: Port taken: By shop.\n' });
    expect(await ask('enable', '--http', '0')).toMatchObject({ code: 2 });
    expect(await ask('enable', '--http', 'eighty')).toMatchObject({ code: 2 });
  });
});

describe('signalbox disable on a terminal', () => {
  const disable = (answer: string, ...argv: string[]) => {
    const asked = vi.fn(async () => answer);
    const access = ['--url', url, '--ca', ca, '--password-file', password];
    return { asked, outcome: signalbox(['disable', ...argv, ...access], { ask: asked }) };
  };

  it.each(['', 'n', 'nyes'])('changes nothing if the answer is "%s"', async (answer) => {
    expect(await disable(answer).outcome).toEqual({ code: 1, out: '', err: 'signalbox: Nothing was changed.\n' });
    expect(changes).toEqual([]);
  });

  it.each(['y', 'Yes '])('disables routing if the answer is "%s"', async (answer) => {
    expect(await disable(answer).outcome).toEqual({ code: 0, out: 'Off\n', err: '' });
    expect(changes).toEqual([['DELETE', '/api/interlock', undefined]]);
  });

  it('does not ask with --yes', async () => {
    const { asked, outcome } = disable('n', '--yes');
    expect((await outcome).out).toBe('Off\n');
    expect(asked).not.toHaveBeenCalled();
  });
});

describe('versions', () => {
  it('are listed, with the served and the held one', async () => {
    answered = { ...state, clusters: [{ ...state.clusters[0]!, held: '0000000000000000' }] };

    expect((await ask('versions')).out).toBe(`VERSION           RENDERED
1111111111111111  2026-01-02T00:00:00Z
  admin: Released default
  + app.example.org → shop_app
  and 8 more
0000000000000000  2026-01-01T00:00:00Z  served, held
`);
    expect(JSON.parse((await ask('versions', '--json')).out)).toHaveLength(2);
  });

  it('are held and released', async () => {
    expect((await ask('rollback', 'default', '0000')).out).toBe('default is held at version 0000\n');
    expect((await ask('release', 'default')).out).toBe('default is released\n');
    expect(await ask('rollback', 'default')).toMatchObject({ code: 2 });
    expect(await ask('release')).toMatchObject({ code: 2 });
    expect(changes).toEqual([
      ['PUT', '/api/clusters/default/versions/0000/hold', undefined],
      ['DELETE', '/api/clusters/default/hold', undefined],
    ]);
  });

  it('are rolled back to once the hosts that disappear are confirmed', async () => {
    const listed = `Hosts that appear: new.example.org
Hosts that disappear: a.example.org, b.example.org and 5 more
~ c.example.org: shop_a → shop_b
`;
    expect(await ask('rollback', 'default', '1111', '--dry-run')).toEqual({ code: 0, out: listed, err: '' });
    expect(changes).toEqual([]);
    expect((await ask('rollback', 'default', '1111')).out).toBe(`${listed}default is held at version 1111\n`);
  });

  it('are compared', async () => {
    expect(await ask('diff', 'one', 'other')).toEqual({
      code: 1,
      out: `--- one
+++ other
@@ -7,7 +7,7 @@
 line 7
 line 8
 line 9
-line 10
+changed
 line 11
 line 12
 line 13
@@ -18,6 +18,7 @@
 line 18
 line 19
 line 20
+new
 line 21
 line 22
 line 23
`,
      err: '',
    });
    expect(await ask('diff', 'one', 'one')).toEqual({ code: 0, out: '', err: '' });
    expect(JSON.parse((await ask('diff', 'one', 'other', '--json')).out)).toMatchObject([{ before: 7 }, { after: 18 }]);
    expect(await ask('diff', 'one', 'none')).toMatchObject({ code: 1, err: 'signalbox: No such version\n' });
    expect(await ask('diff', 'one')).toMatchObject({ code: 2 });
  });
});

describe('access', () => {
  const access = (...argv: string[]) => signalbox(['status', '--url', url, ...argv]);

  it('is configured by options, or by the environment', async () => {
    const env = { SIGNALBOX_URL: url, SIGNALBOX_CA: ca, SIGNALBOX_USER: 'admin', SIGNALBOX_PASSWORD: 'secret' };

    expect((await signalbox(['status'], { env })).code).toBe(0);
    expect((await signalbox(['status', '--user', 'nobody'], { env })).code).toBe(3);
    expect((await signalbox(['status', '--password-file', '-'], { env, stdin: 'secret\n' })).code).toBe(0);
  });

  it.each([[[]], [['--password-file', '-']]])('asks a terminal for the password with %j', async (options) => {
    const asked = vi.fn(async () => 'secret');
    const { code } = await signalbox(['status', '--url', url, '--ca', ca, ...options], { ask: asked });

    expect(code).toBe(0);
    expect(asked).toHaveBeenCalledExactlyOnceWith('Password of admin: ', { hidden: true });
  });

  it('does not ask for a password that the environment has', async () => {
    const env = { SIGNALBOX_PASSWORD: 'secret' };
    expect((await signalbox(['status', '--url', url, '--ca', ca], { env, ask: expect.fail })).code).toBe(0);
  });

  it('requires a CA certificate in the file', async () => {
    expect(await access('--ca', password)).toMatchObject({
      code: 2,
      err: expect.stringContaining(`${password} contains no certificate (PEM).`),
    });
  });

  it('is denied without a password, and with a wrong one', async () => {
    writeFileSync(join(folder, 'wrong'), 'wrong');

    expect(await access('--ca', ca)).toEqual({
      code: 3,
      out: '',
      err: 'signalbox: Log in first (see --user, --password-file and --token-file)\n',
    });
    expect(await access('--ca', ca, '--password-file', join(folder, 'wrong'))).toMatchObject({
      code: 3,
      err: expect.stringContaining('Wrong name or password'),
    });
  });

  it('sends no password to an unknown server', async () => {
    expect(await access('--password-file', password)).toMatchObject({
      code: 3,
      err: expect.stringContaining('its certificate is not signed by a trusted CA'),
    });
    expect(await access('--password-file', password, '--insecure')).toMatchObject({ code: 0 });
  });

  it('accepts the controller by its own name, and no other server by another', async () => {
    const authority = await createAuthority(Date.now());
    const { cert, key } = await issueIdentity(authority, 'default.extension.signalbox', Date.now());
    const server = createServer({ cert, key }, getRequestListener(app.fetch));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    writeFileSync(join(folder, 'other.pem'), authority.ca);
    const { port } = server.address() as AddressInfo;
    const other = ['status', '--url', `https://127.0.0.1:${port}`, '--ca', join(folder, 'other.pem')];

    expect(await signalbox(other)).toMatchObject({ code: 3, err: expect.stringContaining('does not match') });
    server.close();
  });

  it('fails if no server answers', async () => {
    expect(await signalbox(['status', '--url', 'https://127.0.0.1:1'])).toMatchObject({
      code: 3,
      err: 'signalbox: https://127.0.0.1:1 cannot be reached: connection refused\n',
    });
  });

  it.each(['http://127.0.0.1:9443', 'nonsense'])('is not attempted at %s', async (address) => {
    expect(await signalbox(['status', '--url', address])).toMatchObject({ code: 2, out: '' });
  });
});

describe('signalbox explain', () => {
  it('asks the controller about a request with a method, headers and cookies', async () => {
    const details = ['--method', 'POST', '--header', 'X-A: 1&2', '--header', 'X-B: 3', '--cookie', 'a=b'];
    const { code, out } = await ask('explain', '--live', 'app.example.org', ...details);

    expect(code).toBe(0);
    expect(out).toContain('What its labels do\n  - ssl_only: HTTP requests are redirected to HTTPS.\n');
    const query = new URLSearchParams(/- (\?.*)/.exec(out)?.[1]);
    expect([...query]).toEqual([
      ['url', 'http://app.example.org/'],
      ['method', 'POST'],
      ['header', 'X-A: 1&2'],
      ['header', 'X-B: 3'],
      ['cookie', 'a=b'],
    ]);
  });

  it.each([
    [['--live', '--header', 'X-A'], 'X-A is not a header'],
    [['--try', '--method', 'POST'], '--try sends GET without headers'],
    [['--live', '--try', '--cookie', 'a=b'], '--try sends GET without headers'],
  ])('rejects %j: %s', async (options, fault) => {
    expect(await ask('explain', 'app.example.org', ...options)).toMatchObject({
      code: 2,
      err: expect.stringContaining(fault),
    });
  });
});
