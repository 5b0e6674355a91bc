// Labels `forward_auth…`, in the real nginx with an authenticator beside it: nothing reaches the service unless the
// authenticator says so.
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { aService } from '../support/builders.ts';
import { makeCertificate } from '../support/material.ts';
import type { NginxContainer } from '../support/nginx-container.ts';
import { arrived, get, oneDeadTask, startOddNginx } from '../support/odd-nginx.ts';
import { Http2Client, head, type RawAnswer, RawConnection, rawRequest, valuesOf } from '../support/raw-request.ts';

const checker = 'http://checker:9091';
const lb = { forward_auth: `${checker}/verify?level=2`, forward_auth_headers: 'Remote-User, X-Seen' };
const services = [
  aService('plain', { lb }),
  aService('retried', { port: oneDeadTask, lb }),
  aService('rewritten', { lb: { ...lb, context_root: '/app', context_root_rewrite: 'true' } }),
  aService('signing-in', { lb: { ...lb, forward_auth_signin: 'https://auth.example.org/' } }),
  aService('returning', { lb: { ...lb, forward_auth_signin: '/login?redirect_uri=' } }),
  aService('open', { lb: { ...lb, forward_auth_open: '/health, /assets/v1.2' } }),
  aService('calls', { lb: { ...lb, backend_protocol: 'grpc' } }),
  aService('broken-calls', { lb: { forward_auth: `${checker}/fail`, backend_protocol: 'grpc' } }),
  aService('secured', { lb: { ...lb, ssl_only: 'true' } }),
  aService('closed', { lb: { ...lb, maintenance: 'true' } }),
  aService('both', { lb: { ...lb, basic_auth: 'users' } }),
  aService('forbidden', { lb: { forward_auth: `${checker}/forbid` } }),
  aService('failing', { lb: { forward_auth: `${checker}/fail` } }),
  aService('redirecting', { lb: { forward_auth: `${checker}/redirect` } }),
  aService('slow', { lb: { forward_auth: `${checker}/slow` } }),
  aService('dead', { lb: { forward_auth: 'http://checker:8084/verify' } }),
  aService('unknown', { lb: { forward_auth: 'http://nobody:9091/verify' } }),
  aService('outside', { lb: { forward_auth: 'https://auth.example.com/x' } }),
  aService('portal', { host: 'auth.example.com', lb: { ssl_cert: 'site' } }),
  aService('older', { host: 'shared.example.org', createdAt: '1', lb }),
  aService('younger', { host: 'shared.example.org', createdAt: '2' }),
  aService('seen', { port: '9091' }),
  { ...aService('checker'), labels: {} },
  aService('other'),
];

let nginx: NginxContainer;
beforeAll(async () => {
  const users = 'bob:$apr1$HQyJJRdX$ErX.biAZXpF.zt7t12zro1\n';
  const folder = await mkdtemp(join(tmpdir(), 'forward-auth-'));
  await makeCertificate(folder, 'site', { names: ['auth.example.com'] });
  const site = (await readFile(join(folder, 'site.crt'), 'utf8')) + (await readFile(join(folder, 'site.key'), 'utf8'));
  await rm(folder, { recursive: true });
  nginx = await startOddNginx(services, {
    secrets: { users, site },
    settings: { Config: { UnderscoresInHeaders: true } },
  });
});
afterAll(() => nginx[Symbol.asyncDispose]());

const session = 'Cookie: session=alice';
const ask = (name: string, path: string, ...headers: readonly string[]) =>
  get(nginx, `${name}.example.org`, path, { headers });
const cookies = (answer: RawAnswer) => valuesOf(answer.headers, 'set-cookie');
const location = (answer: RawAnswer) => valuesOf(answer.headers, 'location')[0];
const asked = async () => Number((await ask('seen', '/seen')).body);

let keys = 0;
/** The number of requests that reached the application while `send` ran. */
async function arrivals(send: (count: string) => Promise<unknown>): Promise<number> {
  const key = `forward-auth-${++keys}`;
  await send(`X-Count: ${key}`);
  return JSON.parse((await ask('other', `/count?key=${key}`)).body).count;
}

describe('a service with an authenticator', () => {
  it.each(['plain', 'retried', 'shared'])('rejects clients that the authenticator rejects: %s', async (name) => {
    let answer: RawAnswer | undefined;
    const count = await arrivals(async (header) => {
      answer = await ask(name, '/x', header);
    });

    expect(answer!.status).toBe(401);
    expect(answer!.body).toContain('Please sign in.');
    expect(valuesOf(answer!.headers, 'www-authenticate')).toEqual(['Bearer']);
    expect(cookies(answer!)).toEqual(['state=1; Path=/']);
    expect(count).toBe(0);
  });

  it('receives the headers of the authenticator, and never those of the client', async () => {
    const forged = ['Remote-User: mallory', 'remote-user: mallory', 'Remote_User: mallory', 'X-Seen: x'];
    const { headers, header } = arrived(await ask('plain', '/x', session, ...forged));

    expect(header('remote-user')).toBe('alice');
    expect(header('cookie')).toBe('session=alice');
    expect(header('x-forwarded-host')).toBe('plain.example.org');
    expect(headers.map(([name]) => name)).not.toContain('remote_user');
    expect(decodeURIComponent(String(header('x-seen')))).not.toContain('mallory');
  });

  it('tells the authenticator about the request, without body and conditions', async () => {
    const lines = ['If-None-Match: "x"', 'Range: bytes=0-1', 'X-Forwarded-Uri: /forged', 'Content-Length: 3', session];
    const request = `${head('PUT /a%20b?c=d&e HTTP/1.1', 'Host: plain.example.org:8080', ...lines)}abc`;
    const { method, length, header } = arrived(await rawRequest({ port: nginx.port }, request));
    const [askedMethod, url, raw] = JSON.parse(decodeURIComponent(String(header('x-seen'))));
    const seen = new Map<string, string>();
    for (let n = 0; n < raw.length; n += 2) seen.set(raw[n].toLowerCase(), raw[n + 1]);

    expect([method, length]).toEqual(['PUT', 3]);
    expect([askedMethod, url]).toEqual(['GET', '/verify?level=2']);
    expect(Object.fromEntries(seen)).toMatchObject({
      host: 'checker:9091',
      cookie: 'session=alice',
      'x-forwarded-method': 'PUT',
      'x-forwarded-proto': 'http',
      'x-forwarded-host': 'plain.example.org:8080',
      'x-forwarded-uri': '/a%20b?c=d&e',
      'x-original-url': 'http://plain.example.org:8080/a%20b?c=d&e',
      'x-original-method': 'PUT',
    });
    expect(seen.get('x-forwarded-for')).toBe(header('x-forwarded-for'));
    for (const name of ['content-length', 'transfer-encoding', 'if-none-match', 'range', 'upgrade'])
      expect(seen.has(name), name).toBe(false);
  });

  it("passes the authenticator's cookies to the client, next to those of the service", async () => {
    const answer = await ask('plain', '/x?header=Set-Cookie&value=own=1', session);

    expect(cookies(answer).toSorted()).toEqual([
      'own=1',
      'second=2; Expires=Thu, 01 Jan 2099 00:00:00 GMT',
      'session=alice; Expires=Thu, 01 Jan 2099 00:00:00 GMT; Path=/',
    ]);
  });

  it.each([
    ['forbidden', 403],
    ['failing', 503],
    ['redirecting', 503],
    ['dead', 503],
    ['unknown', 503],
  ])('%s answers %i with a page', async (name, status) => {
    let answer: RawAnswer | undefined;
    const count = await arrivals(async (header) => {
      answer = await ask(name, '/x', session, header);
    });

    expect(answer!.status).toBe(status);
    expect(answer!.body).toMatch(status === 403 ? /The request is not allowed/ : /No service answers here/);
    expect(count).toBe(0);
  });

  it('answers 503 if the authenticator does not answer', { timeout: 30_000 }, async () => {
    await using connection = await RawConnection.open({ port: nginx.port });
    connection.write(head('GET /x HTTP/1.1', 'Host: slow.example.org'));
    await expect
      .poll(async () => connection.answer().catch(() => undefined), { timeout: 25_000 })
      .toMatchObject({ status: 503 });
  });

  it.each(['/app', '/app/x', '/app/./x', '//app/x', '/%61pp/x'])(
    'is as strict below a context root: %s',
    async (path) => {
      expect((await ask('rewritten', path)).status).toBe(401);
      expect(arrived(await ask('rewritten', path, session)).header('x-forwarded-prefix')).toBe('/app');
    },
  );

  it('asks again when a request is repeated', async () => {
    for (let times = 0; times < 6; times++)
      expect(arrived(await ask('retried', '/x', session)).header('remote-user')).toBe('alice');
  });

  it('rejects a streamed body before the service receives any of it', async () => {
    const count = await arrivals(async (header) => {
      await using connection = await RawConnection.open({ port: nginx.port });
      connection.write(head('POST /x HTTP/1.1', 'Host: plain.example.org', 'Content-Length: 4000000', header));
      expect((await connection.answer()).status).toBe(401);
    });
    expect(count).toBe(0);
  });

  it('receives a streamed body, and the authenticator is asked once', async () => {
    const before = await asked();
    const body = 'x'.repeat(1_000_000);
    const lines = ['POST /x HTTP/1.1', 'Host: plain.example.org', `Content-Length: ${body.length}`, session];
    const { length, header } = arrived(await rawRequest({ port: nginx.port }, `${head(...lines)}${body}`));

    expect(length).toBe(1_000_000);
    expect(header('remote-user')).toBe('alice');
    expect((await asked()) - before).toBe(1);
  });

  it('opens WebSockets that the authenticator lets in', async () => {
    const upgrade = [
      'Connection: Upgrade',
      'Upgrade: websocket',
      'Sec-WebSocket-Version: 13',
      'Sec-WebSocket-Key: eA==',
    ];
    expect((await ask('plain', '/x', ...upgrade)).status).toBe(401);

    await using connection = await RawConnection.open({ port: nginx.port });
    connection.write(head('GET /x HTTP/1.1', 'Host: plain.example.org', session, ...upgrade));
    const answer = await connection.answer();
    expect(answer.status).toBe(101);
    expect(valuesOf(answer.headers, 'upgrade')).toEqual(['websocket']);
  });

  it('checks requests over HTTP/2', async () => {
    await using h2 = await Http2Client.open({ port: nginx.port });
    const own = { ':authority': 'plain.example.org', ':path': '/x' };

    expect((await h2.request({ headers: own })).status).toBe(401);
    const answer = arrived(await h2.request({ headers: { ...own, cookie: 'session=alice' } }));
    expect(answer.header('remote-user')).toBe('alice');
  });

  it.each([
    ['calls', '16'],
    ['broken-calls', '14'],
  ])('answers gRPC of %s with status %s', async (name, status) => {
    const answer = await ask(name, '/echo.Echo/Say');

    expect(answer.status).toBe(200);
    expect(valuesOf(answer.headers, 'grpc-status')).toEqual([status]);
  });

  it('answers redirects and maintenance before it asks', async () => {
    const before = await asked();

    expect((await ask('secured', '/x')).status).toBe(301);
    expect((await ask('closed', '/x')).status).toBe(503);
    expect(await asked()).toBe(before);
  });

  it('needs a password too if the service has users', async () => {
    const password = `Authorization: Basic ${Buffer.from('bob:secret').toString('base64')}`;

    expect((await ask('both', '/x', session)).status).toBe(401);
    expect((await ask('both', '/x', password)).status).toBe(401);
    expect(arrived(await ask('both', '/x', session, password)).header('remote-user')).toBe('alice');
  });

  it('asks an outside host only if a public CA has signed its certificate', async () => {
    expect((await ask('outside', '/x')).status).toBe(503);

    const trust = 'proxy_ssl_trusted_certificate /run/secrets/site; proxy_ssl_verify on; set $backend_ca public;';
    await nginx.write('/tmp/material/.public', { 'backend.conf': trust });
    await nginx.reload(await nginx.read('/tmp/nginx.conf'));
    await expect.poll(async () => (await ask('outside', '/x')).status, { timeout: 10_000 }).toBe(200);
  });

  it('hides the location that asks', async () => {
    const paths = new Set((await nginx.read('/tmp/*.conf')).match(/\/\.signalbox-auth-\w+/g));
    const statuses = await Promise.all([...paths].map(async (path) => (await ask('plain', path)).status));

    // Those of other hosts are ordinary paths here.
    expect(new Set(statuses)).toEqual(new Set([401, 404]));
  });
});

describe('signing in', () => {
  it.each([
    ['/x', '/x'],
    ['/a%20b?c=d&e=1+2;f#g', '/a%2520b?c=d%26e=1%2B2%3Bf%23g'],
    [`/?${'&'.repeat(16)}`, `/?${'%26'.repeat(16)}`],
    [`/?${'&'.repeat(17)}`, '/'],
    ['/?rd=https://evil.example.org', '/?rd=https://evil.example.org'],
    ['/x&rd=https://evil.example.org', '/x%26rd=https://evil.example.org'],
  ])('leads back to %s', async (path, encoded) => {
    const answer = await ask('signing-in', path);

    expect(answer.status).toBe(302);
    expect(location(answer)).toBe(`https://auth.example.org/?rd=http://signing-in.example.org${encoded}`);
    expect(cookies(answer)).toEqual(['state=1; Path=/']);
  });

  it('uses the parameter that the label ends in, on the same host', async () => {
    const answer = await ask('returning', '/x?y=1');

    expect(answer.status).toBe(302);
    expect(location(answer)).toMatch(
      /(^|http:\/\/returning[^/]*)\/login\?redirect_uri=http:\/\/returning\.example\.org\/x\?y=1$/,
    );
  });

  it('is not needed with a session', async () => {
    expect((await ask('signing-in', '/x', session)).status).toBe(200);
  });
});

describe('open paths', () => {
  it.each(['/health', '/health/', '/health?x=/../y', '/health/live', '/assets/v1.2/app.js'])(
    'let everybody in: %s',
    async (path) => {
      const before = await asked();
      const { header } = arrived(await ask('open', path, 'Remote-User: mallory', 'Remote_User: mallory'));

      expect(header('remote-user')).toBeUndefined();
      expect(header('remote_user')).toBeUndefined();
      expect(await asked()).toBe(before);
    },
  );

  it.each([
    '/',
    '/healthy',
    '/Health',
    '/x/health',
    '//health',
    '/health//x',
    '/health/../x',
    '/health/.',
    '/health/..',
    '/health/..;/x',
    '/health/%2e%2e/x',
    '/health/..%2fx',
    '/health/%2e',
    '/health/x;y',
    '/assets/v1x2',
    '/assets',
    '/x?/health',
    '/%68ealth',
  ])('need a session if they only look open: %s', async (path) => {
    expect((await ask('open', path)).status).toBe(401);
  });
});

it('leaves the headers of another service alone', async () => {
  const { header } = arrived(await ask('other', '/x', 'Remote-User: somebody'));
  expect(header('remote-user')).toBe('somebody');
});
