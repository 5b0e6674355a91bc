// Unusual requests and responses with the real nginx: what reaches the application is compared with a model.
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { stripRoot } from '../../src/model/stripped-path.ts';
import { aService } from '../support/builders.ts';
import type { NginxContainer } from '../support/nginx-container.ts';
import { arrived, get, oneDeadTask, startOddNginx, toArrived, twoTasks } from '../support/odd-nginx.ts';
import { Http2Client, head, RawConnection, rawRequest, valuesOf } from '../support/raw-request.ts';

const services = [
  aService('plain'),
  aService('wild', { host: '*.wild.example.org' }),
  aService('two', { port: twoTasks }),
  aService('two-limited', { port: twoTasks, lb: { max_fails: '1', fail_timeout: '10s' } }),
  aService('half-dead', { port: oneDeadTask }),
  aService('rewritten', { lb: { context_root: '/app', context_root_rewrite: 'true' } }),
  aService('deep', { lb: { context_root: '/deep/root', context_root_rewrite: 'true' } }),
  aService('encoded', { lb: { context_root: '/my%20app', context_root_rewrite: 'true' } }),
  aService('kept', { lb: { context_root: '/app' } }),
  aService('accel-page', { host: 'plain.example.org', lb: { context_root: '/internal' } }),
];

let nginx: NginxContainer;
/** The client's address, as nginx sees it. */
let client: string;

beforeAll(async () => {
  nginx = await startOddNginx(services, { settings: { Config: { ConnectTimeout: 1 } } });
  client = String(arrived(await get(nginx, 'plain.example.org')).header('x-real-ip'));
  return () => nginx[Symbol.asyncDispose]();
});

const runs = { numRuns: 150 };

/** Letters in random case. */
const inAnyCase = (text: string) =>
  fc
    .array(fc.boolean(), { minLength: text.length, maxLength: text.length })
    .map((upper) => [...text].map((letter, n) => (upper[n] ? letter.toUpperCase() : letter.toLowerCase())).join(''));

let keys = 0;

/** Sends a request and returns how often it arrived at the application, over all tasks. */
async function sendCounted(host: string, target: string, method: string): Promise<{ status: number; count: number }> {
  const key = `key-${++keys}`;
  const headers = [`X-Count: ${key}`, ...(method === 'POST' ? ['Content-Length: 0'] : [])];
  const { status } = await get(nginx, host, target, { method, headers });
  const { count } = JSON.parse((await get(nginx, 'plain.example.org', `/count?key=${key}`)).body);
  return { status, count };
}

describe('4: one request never affects another', () => {
  const invalid = ['status-line', 'nul-in-header', 'nul-in-name', 'no-colon', 'two-lengths', 'bad-length'];
  const more = ['length-and-chunks', 'bad-chunk', 'unknown-coding', 'big-header'];
  const bad = ['/drop', '/drop?after=10', ...[...invalid, ...more].map((kind) => `/invalid?kind=${kind}`)];

  describe.each(['plain', 'two', 'two-limited'])('%s', (name) => {
    const host = `${name}.example.org`;

    it.each(bad)('keeps answering after %s', async (target) => {
      for (const method of ['GET', 'POST', 'GET']) {
        const headers = method === 'POST' ? ['Content-Length: 0'] : [];
        await get(nginx, host, target, { method, headers }).catch(() => undefined);
        for (let times = 0; times < 4; times++) expect((await get(nginx, host)).status).toBe(200);
      }
    });
  });

  it.each(['POST', 'PATCH'])('sends a %s that reached an application only once', async (method) => {
    expect(await sendCounted('two.example.org', '/drop', method)).toEqual({ status: 502, count: 1 });
    expect(await sendCounted('two-limited.example.org', '/drop', method)).toEqual({ status: 502, count: 1 });
  });

  it.each(['GET', 'POST'])('skips a task that refuses connections: %s', async (method) => {
    const headers = method === 'POST' ? ['Content-Length: 0'] : [];
    for (let times = 0; times < 20; times++)
      expect((await get(nginx, 'half-dead.example.org', '/', { method, headers })).status).toBe(200);
  });
});

describe('5: large headers', () => {
  it.each`
    cookies | size
    ${3}    | ${1900}
    ${8}    | ${3900}
    ${16}   | ${1900}
    ${1}    | ${31_000}
  `('passes $cookies response headers of $size bytes', async ({ cookies, size }) => {
    const answer = await get(nginx, 'plain.example.org', `/bigheader?n=${cookies}&size=${size}`);

    expect(answer.status).toBe(200);
    expect(valuesOf(answer.headers, 'set-cookie').map(({ length }) => length)).toEqual(
      Array.from({ length: cookies }, (_, n) => `c${n}=`.length + size),
    );
  });

  it('passes them to an HTTP/2 client', async () => {
    await using h2 = await Http2Client.open({ port: nginx.port });

    const answer = await h2.request({ headers: { ':authority': 'plain.example.org', ':path': '/bigheader?n=16' } });

    expect(answer).toMatchObject({ status: 200, reset: undefined });
    expect(valuesOf(answer.headers, 'set-cookie')).toHaveLength(16);
  });

  it.each`
    fields | size
    ${1}   | ${1000}
    ${1}   | ${4000}
    ${1}   | ${7000}
    ${4}   | ${7000}
    ${1}   | ${9000}
    ${1}   | ${15_000}
    ${1}   | ${40_000}
    ${6}   | ${7000}
    ${20}  | ${3000}
  `('has one limit of request headers for HTTP/1.1 and HTTP/2: $fields × $size bytes', async ({ fields, size }) => {
    const names = Array.from({ length: fields }, (_, n) => `x-large-${n}`);
    // Characters whose Huffman code has eight bits: HTTP/2 does not make them shorter.
    const value = '&'.repeat(size);
    await using h2 = await Http2Client.open({ port: nginx.port });

    const first = await get(nginx, 'plain.example.org', '/', { headers: names.map((name) => `${name}: ${value}`) });
    const headers = { ':authority': 'plain.example.org', ...Object.fromEntries(names.map((name) => [name, value])) };
    const second = await h2.request({ headers }).catch(() => ({ status: 400 }));

    expect(second.status === 200, `HTTP/1.1 ${first.status}, HTTP/2 ${second.status}`).toBe(first.status === 200);
  });
});

describe('7: upgrades', () => {
  const path = '/app/x';
  const host = 'rewritten.example.org';

  it.each`
    upgrade                                         | connection
    ${['Upgrade: websocket']}                       | ${'Upgrade'}
    ${['Upgrade: WebSocket']}                       | ${'upgrade'}
    ${['upgrade: WEBSOCKET']}                       | ${'keep-alive, Upgrade'}
    ${['Upgrade: websocket']}                       | ${'UPGRADE,keep-alive'}
    ${['Upgrade: h2c, websocket']}                  | ${'Upgrade, HTTP2-Settings'}
    ${['Upgrade: websocket, h2c']}                  | ${'Upgrade'}
    ${['Upgrade: foo/2,WebSocket ,TLS/1.0']}        | ${'Upgrade'}
    ${['Upgrade: h2c', 'Upgrade: websocket']}       | ${'Upgrade'}
    ${['Upgrade: websocket', 'HTTP2-Settings: AA']} | ${'Upgrade, HTTP2-Settings'}
  `('forwards websocket: $upgrade with Connection: $connection', async ({ upgrade, connection }) => {
    await using client = await RawConnection.open({ port: nginx.port });
    client.write(head(`GET ${path} HTTP/1.1`, `Host: ${host}`, ...upgrade, `Connection: ${connection}`));

    expect((await client.answer()).status).toBe(101);
    const report = toArrived(JSON.parse(await client.until(/.*\n/)));
    expect(report.url).toBe('/x');
    expect(report.header('upgrade')).toBe('websocket');
    expect(report.header('connection')).toBe('upgrade');
    expect(report.header('http2-settings')).toBeUndefined();
    client.write('hello');
    expect(await client.until(/raw: hello/)).toBe('raw: hello');
  });

  it.each`
    version  | upgrade                | connection
    ${'1.1'} | ${'h2c'}               | ${'Upgrade, HTTP2-Settings'}
    ${'1.1'} | ${'H2C'}               | ${'upgrade'}
    ${'1.1'} | ${'TLS/1.0'}           | ${'Upgrade'}
    ${'1.1'} | ${'TLS/1.0, HTTP/2.0'} | ${'Upgrade'}
    ${'1.1'} | ${'websocket2'}        | ${'Upgrade'}
    ${'1.1'} | ${'web, socket'}       | ${'Upgrade'}
    ${'1.1'} | ${'xwebsocket'}        | ${'Upgrade'}
    ${'1.1'} | ${'websocket'}         | ${undefined}
    ${'1.1'} | ${'websocket'}         | ${'close'}
    ${'1.1'} | ${'websocket'}         | ${'keep-alive'}
    ${'1.0'} | ${'websocket'}         | ${'Upgrade'}
    ${'1.0'} | ${'h2c'}               | ${'Upgrade, HTTP2-Settings'}
    ${'1.1'} | ${undefined}           | ${'Upgrade'}
    ${'1.1'} | ${undefined}           | ${undefined}
  `('does not add any: HTTP/$version, $upgrade, Connection: $connection', async ({ version, upgrade, connection }) => {
    const headers = [
      ...(upgrade ? [`Upgrade: ${upgrade}`, 'HTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA'] : []),
      ...(connection ? [`Connection: ${connection}`] : []),
    ];

    const report = arrived(await get(nginx, host, path, { version, headers }));

    expect(report.header('upgrade')).toBeUndefined();
    expect(report.header('http2-settings')).toBeUndefined();
    expect(String(report.header('connection'))).not.toMatch(/upgrade/i);
  });

  it('opens no tunnel if the upgrade was not forwarded', async () => {
    await using client = await RawConnection.open({ port: nginx.port });
    const upgrade = ['Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c', 'HTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA'];
    client.write(head(`GET ${path} HTTP/1.1`, `Host: ${host}`, ...upgrade));
    client.write(head('GET /secret HTTP/1.1', `Host: ${host}`));

    expect((await client.answer()).status).toBe(200);
    expect((await client.answer()).status).toBe(404);
  });

  it('does not add any for HTTP/2', async () => {
    await using h2 = await Http2Client.open({ port: nginx.port });

    const report = arrived(await h2.request({ headers: { ':authority': 'plain.example.org' } }));

    expect(report.header('upgrade')).toBeUndefined();
    expect(String(report.header('connection'))).not.toMatch(/upgrade/i);
  });

  it.each`
    name                  | value
    ${'upgrade'}          | ${'h2,h2c'}
    ${'connection'}       | ${'Upgrade'}
    ${'proxy-connection'} | ${'keep-alive'}
    ${'te'}               | ${'gzip'}
    ${'keep-alive'}       | ${'timeout=5'}
  `('keeps $name of a response from an HTTP/2 client', async ({ name, value }) => {
    await using h2 = await Http2Client.open({ port: nginx.port });
    const path = `/x?header=${name}&value=${encodeURIComponent(value)}`;

    const answer = await h2.request({ headers: { ':authority': 'plain.example.org', ':path': path } });

    expect(answer).toMatchObject({ status: 200, reset: undefined });
    expect(valuesOf(answer.headers, name)).toEqual([]);
  });
});

describe('7: the Connection header', () => {
  it.each([
    'close',
    'Keep-Alive',
    'TE',
    'te, close',
    'Trailer',
    'trailers',
    'HTTP2-Settings',
    'Proxy-Connection',
    'keep-alive, Transfer-Encoding',
  ])('may name %s, which does not reach the application', async (value) => {
    const named = [
      'TE: trailers',
      'Keep-Alive: timeout=5',
      'Proxy-Connection: close',
      'HTTP2-Settings: AA',
      'Trailer: X',
    ];

    const answer = await get(nginx, 'plain.example.org', '/', { headers: [`Connection: ${value}`, ...named] });

    const report = arrived(answer);
    const tokens = value.toLowerCase().split(/, */);
    for (const token of tokens) if (token !== 'close') expect(report.header(token), token).toBeUndefined();
    expect(String(report.header('connection') ?? '')).not.toMatch(new RegExp(tokens.join('|'), 'i'));
  });

  it.each([
    ['X-Forwarded-Proto'],
    ['close, x-secret'],
    ['x-secret,keep-alive'],
    ['X-SSL-Client-Verify'],
    ['Upgrade, Authorization'],
    ['Host'],
    ['Content-Length'],
    ['close', 'x-secret'],
  ])('gets 400 if it names another header: %s %s', async (...values) => {
    const headers = [...values.map((value) => `Connection: ${value}`), 'X-Secret: 1', 'Upgrade: websocket'];

    expect((await get(nginx, 'plain.example.org', '/', { headers })).status).toBe(400);
  });
});

describe('8: the routed host', () => {
  const label = fc.stringMatching(/^[a-z][a-z0-9-]{0,10}[a-z0-9]$/);
  const routed = fc.oneof(
    fc.constant('plain.example.org'),
    label.map((name) => `${name}.wild.example.org`),
  );
  const spelled = routed.chain((name) =>
    fc.record({ name: fc.constant(name), written: inAnyCase(name), dot: fc.constantFrom('', '', '.') }),
  );
  const port = fc.option(fc.integer({ min: 1, max: 65_535 }), { nil: undefined });
  const form = fc.constantFrom(
    'origin',
    'origin-1.0',
    'absolute',
    'absolute-other-host',
    'absolute-1.0',
  ) satisfies fc.Arbitrary<string>;
  const other = fc.constantFrom(
    'other.local',
    'wild.example.org:99',
    'PLAIN.example.org:7',
    '127.0.0.1',
    'kept.example.org',
  );
  const rest = fc.constantFrom('/', '/x', '/a%2Fb?c=d', '/?q=http://x/');
  const scheme = fc.constantFrom('http', 'HTTP', 'https');

  it('is what arrives in Host, X-Forwarded-Host and X-Forwarded-Port', async () => {
    const drawn = fc.record({ spelled, port, form, other, rest, scheme });
    await fc.assert(
      fc.asyncProperty(drawn, async ({ spelled: { name, written, dot }, port, form, other, rest, scheme }) => {
        const authority = `${written}${dot}${port === undefined ? '' : `:${port}`}`;
        const absolute = `${scheme}://${authority}${rest}`;
        const request = {
          origin: head(`GET ${rest} HTTP/1.1`, `Host: ${authority}`),
          'origin-1.0': head(`GET ${rest} HTTP/1.0`, `Host: ${authority}`),
          absolute: head(`GET ${absolute} HTTP/1.1`, `Host: ${authority}`),
          'absolute-other-host': head(`GET ${absolute} HTTP/1.1`, `Host: ${other}`),
          'absolute-1.0': head(`GET ${absolute} HTTP/1.0`),
        }[form];

        const report = arrived(await rawRequest({ port: nginx.port }, request!));

        const host = port === undefined ? name : `${name}:${port}`;
        expect(pick(report)).toEqual({ url: rest, host, forwardedHost: host, forwardedPort: String(port ?? 80) });
      }),
      runs,
    );
  });

  const pick = ({ url, header }: ReturnType<typeof arrived>) => ({
    url,
    host: header('host'),
    forwardedHost: header('x-forwarded-host'),
    forwardedPort: header('x-forwarded-port'),
  });

  it.each`
    target                               | url
    ${'http://plain.example.org'}        | ${'/'}
    ${'http://plain.example.org?x=1'}    | ${'/?x=1'}
    ${'http://plain.example.org:81?x=1'} | ${'/?x=1'}
    ${'http://plain.example.org/?/../x'} | ${'/?/../x'}
  `('is taken from $target', async ({ target, url }) => {
    const report = arrived(await get(nginx, 'other.local', target));

    const host = /\/\/([^/?]+)/.exec(target)![1];
    expect(report).toMatchObject({ url });
    expect([report.header('host'), report.header('x-forwarded-host')]).toEqual([host, host]);
  });

  it('chooses the context root of an absolute target', async () => {
    const report = arrived(await get(nginx, 'plain.example.org', 'http://rewritten.example.org/app/x?y'));

    expect([report.url, report.header('host'), report.header('x-forwarded-prefix')]).toEqual([
      '/x?y',
      'rewritten.example.org',
      '/app',
    ]);
  });

  it('is the authority of HTTP/2', async () => {
    await using h2 = await Http2Client.open({ port: nginx.port });

    const report = arrived(await h2.request({ headers: { ':authority': 'PLAIN.example.org.:81', ':path': '/x' } }));

    expect(pick(report)).toEqual({
      url: '/x',
      host: 'plain.example.org:81',
      forwardedHost: 'plain.example.org:81',
      forwardedPort: '81',
    });
  });

  describe('of a default backend', () => {
    let withDefault: NginxContainer;
    beforeAll(async () => {
      withDefault = await startOddNginx([aService('default', { host: '', lb: { default_backend: 'true' } })]);
      return () => withDefault[Symbol.asyncDispose]();
    });

    it('is the one that the client names', async () => {
      const report = arrived(await get(withDefault, 'Anything.local:81', '/x'));

      expect(pick(report)).toEqual({
        url: '/x',
        host: 'anything.local:81',
        forwardedHost: 'anything.local:81',
        forwardedPort: '81',
      });
    });

    it('is set for HTTP/1.0 without Host, such as a balancer’s probe', async () => {
      const report = arrived(await rawRequest({ port: withDefault.port }, head('GET /health HTTP/1.0')));

      expect(report.url).toBe('/health');
      expect(report.header('host')).toMatch(/^[a-z0-9.:[\]-]+$/);
      expect(report.header('x-forwarded-host')).toBe(report.header('host'));
      expect(report.header('x-forwarded-port')).toBe('80');
    });
  });
});

describe('10: headers that mean something to nginx', () => {
  it.each`
    name                    | value
    ${'X-Accel-Redirect'}   | ${'/internal/x'}
    ${'X-Accel-Redirect'}   | ${'@named'}
    ${'X-Accel-Limit-Rate'} | ${'1'}
    ${'X-Accel-Expires'}    | ${'60'}
    ${'X-Accel-Charset'}    | ${'utf-16'}
    ${'X-Accel-Buffering'}  | ${'no'}
  `('are ignored: $name: $value', async ({ name, value }) => {
    const target = `/own?header=${name}&value=${encodeURIComponent(value)}`;

    const answer = await get(nginx, 'plain.example.org', target);

    expect(arrived(answer).url).toBe(target);
    expect(valuesOf(answer.headers, 'content-type')).toEqual(['application/json']);
  });

  it('do not reach another service of the host', async () => {
    const answer = await get(nginx, 'plain.example.org', '/accel?to=/internal/x&status=201');

    expect(answer.status).toBe(201);
    expect(JSON.parse(answer.body).url).toBe('/accel?to=/internal/x&status=201');
  });
});

/** Value from the issue. */
const forgeable = [
  ...['For', 'Host', 'Port', 'Proto', 'Prefix', 'Ssl', 'Scheme', 'Server'].map((name) => `X-Forwarded-${name}`),
  ...['Forwarded', 'Front-End-Https', 'X-Original-URL', 'X-Rewrite-URL', 'X-Original-Host', 'Proxy', 'X-Real-IP'],
  ...['X-Client-IP', 'True-Client-IP', 'CF-Connecting-IP'],
];

describe('11: forged headers', () => {
  const ours = ['x-forwarded-for', 'x-forwarded-host', 'x-forwarded-port', 'x-forwarded-proto', 'x-real-ip'];
  const value = fc.constantFrom(
    'forged',
    '203.0.113.66',
    'https',
    'on',
    'for=203.0.113.66;proto=https',
    'https://forged/',
    '443',
  );
  const name = fc.constantFrom(...forgeable).chain((name) =>
    fc
      .record({
        spelled: inAnyCase(name),
        underscores: fc.constantFrom(false, false, true),
      })
      .map(({ spelled, underscores }) => (underscores ? spelled.replaceAll('-', '_') : spelled)),
  );
  const lines = fc.array(
    fc.tuple(name, value).map(([name, value]) => `${name}: ${value}`),
    { minLength: 1, maxLength: 12 },
  );

  const expectNothingForged = (report: ReturnType<typeof arrived>, host: string, prefix: string | undefined) => {
    const names = [
      ...forgeable.map((name) => name.toLowerCase()),
      ...forgeable.map((name) => name.toLowerCase().replaceAll('-', '_')),
    ];
    const left = report.headers.filter(([name]) => names.includes(name));
    const rightful = [
      ['x-forwarded-for', client],
      ['x-forwarded-host', host],
      ['x-forwarded-port', '80'],
      ['x-forwarded-proto', 'http'],
      ['x-real-ip', client],
    ];
    expect(left.toSorted()).toEqual([...rightful, ...(prefix ? [['x-forwarded-prefix', prefix]] : [])].toSorted());
  };

  it('do not reach the application, and X-Forwarded-For is the address of the client', async () => {
    const where = fc.constantFrom(['plain.example.org', '/', undefined], ['rewritten.example.org', '/app/x', '/app']);
    await fc.assert(
      fc.asyncProperty(lines, where, async (headers, [host, path, prefix]) => {
        expectNothingForged(arrived(await get(nginx, host!, path, { headers })), host!, prefix);
      }),
      runs,
    );
  });

  it('do not reach it over HTTP/2 either', async () => {
    await using h2 = await Http2Client.open({ port: nginx.port });
    const forged = Object.fromEntries(forgeable.map((name) => [name.toLowerCase(), '203.0.113.66']));

    const report = arrived(await h2.request({ headers: { ':authority': 'plain.example.org', ...forged } }));

    expectNothingForged(report, 'plain.example.org', undefined);
  });

  it.each(['By', 'Path', 'Protocol', 'Uri', 'Method', 'User', 'Email', 'Groups', 'Client-Cert', 'Tls-Client-Cert'])(
    'do not reach it as X-Forwarded-%s, which some applications know',
    async (name) => {
      const headers = [`X-Forwarded-${name}: forged`];

      const report = arrived(await get(nginx, 'plain.example.org', '/', { headers }));

      expect(report.header(`x-forwarded-${name}`)).toBeUndefined();
    },
  );

  it('are the only headers that are removed', async () => {
    const headers = ['X-Custom: 1', 'Authorization: Bearer x', 'Cookie: a=b', 'Accept: */*', 'X-Real-Estate: yes'];

    const report = arrived(await get(nginx, 'plain.example.org', '/', { headers }));

    expect(report.headers).toEqual(
      expect.arrayContaining(
        headers.map((line) => {
          const [name, value] = line.split(': ');
          return [name!.toLowerCase(), value];
        }),
      ),
    );
    expect(ours.map((name) => typeof report.header(name))).toEqual(ours.map(() => 'string'));
  });
});

describe('13: a context root that is removed', () => {
  const hosts = { '/app': 'rewritten.example.org', '/deep/root': 'deep.example.org' } as const;

  async function compare(root: string, host: string, target: string, prefix = root): Promise<void> {
    const expected = stripRoot(root, target);
    const answer = await get(nginx, host, target);
    if (expected.kind === 'rejected') expect(answer.status, target).toBe(400);
    else if (expected.kind === 'elsewhere') expect(answer.status, target).toBe(404);
    else {
      const report = arrived(answer);
      expect([target, alike(target, report.url), report.header('x-forwarded-prefix')]).toEqual([
        target,
        alike(target, expected.url),
        prefix,
      ]);
    }
  }

  /** With dot segments beside encoded or repeated slashes, it does not matter which of the slashes remains. */
  function alike(target: string, url: string): string {
    const isMixed = /(^|\/|%2f)(\.|%2e){1,2}(\/|%2f|$)/i.test(target.split('?')[0]!) && /%2f|\/\//i.test(target);
    return isMixed ? url.replace(/(?:\/|%2f)+/gi, '/') : url;
  }

  const slash = fc.constantFrom('/', '/', '/', '/', '//', '%2f', '%2F', '/./');
  const names = fc.constantFrom(
    ...[
      'x',
      'app',
      'a.b',
      '...',
      '.x',
      'x..',
      '~',
      '$host',
      "a'b",
      '(x)',
      'a=1&b=2',
      'a:b@c',
      'x;v=1',
      'ü'.normalize(),
    ].filter((text) => /^[!-~]+$/.test(text)),
    ...[
      '%61',
      '%41pp',
      'a%20b',
      '%c3%bc',
      '%25',
      '%252e%252e',
      '%3F',
      '%23',
      '%3b',
      'a%2eb',
      '%5c',
      '%7e',
      '%ff',
      'a%0ab',
      '%2b+',
    ],
  );
  const dots = fc.constantFrom('.', '..', '..', '%2e', '%2E%2e', '.%2e', '%2e.');
  const params = fc.constantFrom('..;', '..;x=1', '.;', '%2e%2e;', '..%3b', '.%2e;a');
  const segment = fc.oneof(
    { weight: 12, arbitrary: names },
    { weight: 3, arbitrary: dots },
    { weight: 1, arbitrary: params },
  );
  const rest = fc
    .array(fc.tuple(slash, segment), { maxLength: 5 })
    .map((parts) => parts.map((part) => part.join('')).join(''));
  const end = fc.constantFrom('', '', '/', '?', '?x=1', '?/../%2e;=%zz', '/?a=/app/b');
  const encode = (letter: string) => `%${letter.charCodeAt(0).toString(16)}`;
  const spelledRoot = (root: string) =>
    fc
      .tuple(
        fc.constantFrom('', '', '', '/.', '/', '/x/..', '/%2e', '/x/%2e%2E', '/..', '/y'),
        fc.array(fc.constantFrom(false, false, false, true), { minLength: root.length, maxLength: root.length }),
        fc.constantFrom('/', '/', '//', '/./'),
      )
      .map(([before, encoded, between]) => {
        const spelled = [...root]
          .map((letter, n) => (letter === '/' ? letter : encoded[n] ? encode(letter) : letter))
          .join('');
        return before + spelled.replace(/(?<=.)\//, between);
      });

  it.each(Object.entries(hosts))('%s: leaves the rest as the model says', async (root, host) => {
    await fc.assert(
      fc.asyncProperty(spelledRoot(root), rest, end, async (root_, rest, end) =>
        compare(root, host, root_ + rest + end),
      ),
      { numRuns: 200 },
    );
  });

  it.each`
    target                    | url
    ${'/app/./x'}             | ${'/x'}
    ${'/app/x/../y'}          | ${'/y'}
    ${'//app/x'}              | ${'/x'}
    ${'/%61pp/x'}             | ${'/x'}
    ${'/app%2fx'}             | ${'/x'}
    ${'/app/%2e/x'}           | ${'/x'}
    ${'/app/x/%2e%2e/y'}      | ${'/y'}
    ${'/x/../app/y'}          | ${'/y'}
    ${'/app//a'}              | ${'//a'}
    ${'/app/a//b'}            | ${'/a//b'}
    ${'/app/a%2Fb'}           | ${'/a%2Fb'}
    ${'/app/%61%2f%62?c=%2e'} | ${'/%61%2f%62?c=%2e'}
    ${'/app/x/..'}            | ${'/'}
    ${'/app/.'}               | ${'/'}
    ${'/app/x/.'}             | ${'/x/'}
    ${'/app/%252e%252e/x'}    | ${'/%252e%252e/x'}
    ${'/app/./x?y=/../z'}     | ${'/x?y=/../z'}
    ${'/app/./a%20b%3Fc%23'}  | ${'/a%20b%3Fc%23'}
    ${'/%61pp'}               | ${'/'}
    ${'/%61pp?x'}             | ${'/?x'}
  `('makes $url of $target', async ({ target, url }) => {
    expect(stripRoot('/app', target)).toEqual({ kind: 'reaches', url });
    await compare('/app', hosts['/app'], target);
  });

  it.each([
    '/app/..;/secret',
    '/app/..;',
    '/app/x/..;/..;/secret',
    '/app/.;/x',
    '/app/..;x=1/secret',
    '/app/%2e%2e;/secret',
    '/app/..%3b/secret',
    '/app%2f..;/secret',
    '/app/../../x',
    '/app/%zz',
    '/app/%00',
  ])('rejects %s', async (target) => {
    expect(stripRoot('/app', target)).toEqual({ kind: 'rejected' });
    await compare('/app', hosts['/app'], target);
  });

  it.each([
    '/app/../secret',
    '/app/..',
    '/app/%2e%2e/secret',
    '/app%2f..%2fsecret',
    '/app/x/../../y',
    '/ap%2fp/x',
    '/apple',
    '/APP/x',
  ])('does not match %s', async (target) => {
    expect(stripRoot('/app', target)).toEqual({ kind: 'elsewhere' });
    await compare('/app', hosts['/app'], target);
  });

  it.each(['/app/..;/secret', '/app/x/..;/..;/y', '/app/%2e%2e;/secret'])(
    'cannot be left by %s if it is kept',
    async (target) => {
      expect((await get(nginx, 'kept.example.org', target)).status).toBe(400);
    },
  );

  it.each(['/my%20app/x', '/my%20%61pp/./x', '//my%20app%2fx', '/%6dy%20app/y/../x'])(
    'may have encoded letters: %s',
    async (target) => {
      await compare('/my app', 'encoded.example.org', target, '/my%20app');
    },
  );

  it('is sent as X-Forwarded-Prefix only if it was removed', async () => {
    for (const [host, path] of [
      ['plain.example.org', '/app/x'],
      ['kept.example.org', '/app/./x'],
    ] as const)
      expect(arrived(await get(nginx, host, path)).header('x-forwarded-prefix')).toBeUndefined();
  });
});
