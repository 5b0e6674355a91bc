// Labels `basic_auth`, `basic_auth_realm` and `basic_auth_forward`, in the real nginx: nothing reaches the service
// without name and password, on every way there is.
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { aService } from '../support/builders.ts';
import { makeCertificate } from '../support/material.ts';
import type { NginxContainer } from '../support/nginx-container.ts';
import { arrived, get, oneDeadTask, startOddNginx } from '../support/odd-nginx.ts';
import { Http2Client, head, type RawAnswer, RawConnection, rawRequest, valuesOf } from '../support/raw-request.ts';

/** The password of everyone is `secret`. */
const users = [
  '# staff',
  'alice:$2y$10$abcdefghijklmnopqrstuuqflPDzB6gcMhKa1rZqKiun2YGL5sa2u',
  'bob:$apr1$HQyJJRdX$ErX.biAZXpF.zt7t12zro1',
  'carol:$6$salt$egUxKNxDs8kPfh8iPMNcosMhb2eWah6d3R44JDm5Rj/j/XWR5E33QPd0YmHXoDHOIDR6kL5D3JcQcz0O8FHE00',
  'dave:$2b$10$abcdefghijklmnopqrstuuqflPDzB6gcMhKa1rZqKiun2YGL5sa2u',
].join('\n');
const lb = { basic_auth: 'users' };
const services = [
  aService('plain', { lb }),
  aService('named', { lb: { ...lb, basic_auth_realm: "The shop's (staff)" } }),
  aService('forwarding', { lb: { ...lb, basic_auth_forward: 'true' } }),
  aService('rewritten', { lb: { ...lb, context_root: '/app', context_root_rewrite: 'true' } }),
  aService('retried', { port: oneDeadTask, lb }),
  aService('calls', { lb: { ...lb, backend_protocol: 'grpc' } }),
  aService('secured', { lb: { ...lb, ssl_cert: 'site', ssl_only: 'true' } }),
  aService('closed', { lb: { ...lb, maintenance: 'true' } }),
  aService('moved', { lb: { ...lb, redirects: 'http://moved.example.org,https://new.example.org' } }),
  aService('missing', { lb: { basic_auth: 'nobody' } }),
  aService('older', { host: 'shared.example.org', createdAt: '1' }),
  aService('younger', { host: 'shared.example.org', createdAt: '2', port: '8082', lb }),
  // A host with the name that disables the check of nginx, if it becomes the realm.
  aService('fallback', { host: '~^[a-z]{3}$', lb }),
  aService('other'),
];

let nginx: NginxContainer;
beforeAll(async () => {
  const folder = await mkdtemp(join(tmpdir(), 'basic-auth-'));
  await makeCertificate(folder, 'site', { names: ['secured.example.org'] });
  const site = (await readFile(join(folder, 'site.crt'), 'utf8')) + (await readFile(join(folder, 'site.key'), 'utf8'));
  await rm(folder, { recursive: true });
  nginx = await startOddNginx(services, { secrets: { site, users } });
});
afterAll(() => nginx[Symbol.asyncDispose]());

const basic = (name: string, password = 'secret') =>
  `Authorization: Basic ${Buffer.from(`${name}:${password}`).toString('base64')}`;
const ask = (name: string, path: string, ...headers: readonly string[]) =>
  get(nginx, `${name}.example.org`, path, { headers });
const challenge = (answer: RawAnswer) => valuesOf(answer.headers, 'www-authenticate');

let keys = 0;
/** The number of requests that reached the application while `send` ran. */
async function arrivals(send: (count: string) => Promise<unknown>): Promise<number> {
  const key = `basic-auth-${++keys}`;
  await send(`X-Count: ${key}`);
  return JSON.parse((await get(nginx, 'other.example.org', `/count?key=${key}`)).body).count;
}

describe('a service with users', () => {
  it.each(['plain', 'retried', 'forwarding'])('answers %s without a password with 401 and a page', async (name) => {
    let answer: RawAnswer | undefined;
    const count = await arrivals(async (header) => {
      answer = await ask(name, '/x', header);
    });

    expect(answer!.status).toBe(401);
    expect(challenge(answer!)).toEqual([`Basic realm="${name}.example.org"`]);
    expect(answer!.body).toContain('Please sign in.');
    expect(count).toBe(0);
  });

  it('shows its realm', async () => {
    expect(challenge(await ask('named', '/x'))).toEqual([`Basic realm="The shop's (staff)"`]);
  });

  it.each(['alice', 'bob', 'carol', 'dave'])('accepts %s, and passes the name but not the password', async (name) => {
    const { header } = arrived(await ask('plain', '/x', basic(name), 'X-Forwarded-User: mallory'));

    expect(header('x-forwarded-user')).toBe(name);
    expect(header('authorization')).toBeUndefined();
    expect(header('x-forwarded-host')).toBe('plain.example.org');
    expect(header('x-request-id')).toMatch(/^\w{32}$/);
  });

  it('passes the password too if the label says so', async () => {
    const { header } = arrived(await ask('forwarding', '/x', basic('bob'), 'X-Forwarded-User: mallory'));

    expect(header('x-forwarded-user')).toBe('bob');
    expect(header('authorization')).toBe(basic('bob').slice('Authorization: '.length));
  });

  it.each([
    basic('bob', 'wrong'),
    basic('mallory'),
    basic(''),
    basic('# staff\nbob'),
    'Authorization: Basic !',
    'Authorization: Bearer x',
  ])('rejects %j', async (header) => {
    expect((await ask('plain', '/x', header)).status).toBe(401);
  });

  it.each(['/app', '/app/x', '/app/./x', '//app/x', '/%61pp/x'])(
    'is as strict below a context root: %s',
    async (path) => {
      expect((await ask('rewritten', path)).status).toBe(401);
      expect((await ask('rewritten', path, basic('bob'))).status).toBe(200);
    },
  );

  it('checks requests that are repeated, and passes the name', async () => {
    for (let times = 0; times < 6; times++)
      expect(arrived(await ask('retried', '/x', basic('bob'))).header('x-forwarded-user')).toBe('bob');
  });

  it('rejects a streamed body before the service receives any of it', async () => {
    const count = await arrivals(async (header) => {
      const lines = ['POST /x HTTP/1.1', 'Host: plain.example.org', 'Content-Length: 4000000', header];
      await using connection = await RawConnection.open({ port: nginx.port });
      connection.write(head(...lines));
      expect((await connection.answer()).status).toBe(401);
    });
    expect(count).toBe(0);
  });

  it('receives a streamed body with a password', async () => {
    const body = 'x'.repeat(1_000_000);
    const lines = ['POST /x HTTP/1.1', 'Host: plain.example.org', `Content-Length: ${body.length}`, basic('bob')];
    const { length, header } = arrived(await rawRequest({ port: nginx.port }, `${head(...lines)}${body}`));

    expect(length).toBe(1_000_000);
    expect(header('x-forwarded-user')).toBe('bob');
    expect(header('authorization')).toBeUndefined();
  });

  it('rejects a WebSocket', async () => {
    const headers = [
      'Connection: Upgrade',
      'Upgrade: websocket',
      'Sec-WebSocket-Version: 13',
      'Sec-WebSocket-Key: eA==',
    ];
    expect((await ask('plain', '/x', ...headers)).status).toBe(401);
  });

  it('checks requests over HTTP/2', async () => {
    await using h2 = await Http2Client.open({ port: nginx.port });
    const own = { ':authority': 'plain.example.org', ':path': '/x' };

    expect((await h2.request({ headers: own })).status).toBe(401);
    const authorization = basic('bob').slice('Authorization: '.length);
    expect(arrived(await h2.request({ headers: { ...own, authorization } })).header('x-forwarded-user')).toBe('bob');
  });

  it('answers gRPC with the status of an unauthenticated call', async () => {
    const answer = await ask('calls', '/echo.Echo/Say');

    expect(answer.status).toBe(200);
    expect(valuesOf(answer.headers, 'grpc-status')).toEqual(['16']);
  });

  it('redirects to HTTPS before anybody sends a password, and checks there', async () => {
    expect((await ask('secured', '/x')).status).toBe(301);
    const tls = { servername: 'secured.example.org' };
    const endpoint = { port: nginx.tlsPort, tls };
    const lines = ['GET /x HTTP/1.1', 'Host: secured.example.org'];
    expect((await rawRequest(endpoint, head(...lines))).status).toBe(401);
    expect((await rawRequest(endpoint, head(...lines, basic('bob')))).status).toBe(200);
  });

  it.each([
    ['closed', 503],
    ['moved', 302],
    ['missing', 503],
  ])('answers without a password if %s', async (name, status) => {
    const answer = await ask(name, '/x', basic('bob'));
    expect(answer.status).toBe(status);
    expect(challenge(await ask(name, '/x'))).toEqual([]);
  });

  it('is left out if an older service on the host is open', async () => {
    for (let times = 0; times < 6; times++) expect(arrived(await ask('shared', '/x')).port).toBe(9001);
    // Port 8082 has two tasks, and the older service one of them.
    expect(await nginx.read('/tmp/nginx.conf')).not.toContain('127.0.0.1:9002');
  });

  it('checks a host that is called off', async () => {
    expect((await get(nginx, 'off', '/x')).status).toBe(401);
    expect((await get(nginx, 'off', '/x', { headers: [basic('bob')] })).status).toBe(200);
  });
});

it('leaves the password of another service alone', async () => {
  const { header } = arrived(await ask('other', '/x', basic('bob'), 'X-Forwarded-User: mallory'));

  expect(header('authorization')).toBe(basic('bob').slice('Authorization: '.length));
  expect(header('x-forwarded-user')).toBeUndefined();
});
