// Labels `cors` and `cors_*`, in the real nginx: who may use a service, and who answers preflight requests.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { aService } from '../support/builders.ts';
import { makeSite } from '../support/material.ts';
import type { NginxContainer } from '../support/nginx-container.ts';
import { get, http2Port, oneDeadTask, startOddNginx } from '../support/odd-nginx.ts';
import { Http2Client, head, type RawAnswer, rawRequest, valuesOf } from '../support/raw-request.ts';

const cors = {
  cors: 'https://a.test, https://*.b.test, http://localhost:3000, https://[2001:db8::1]:8443',
  cors_methods: 'GET, put',
  cors_headers: 'Authorization, X-Tenant',
  cors_credentials: 'true',
  cors_max_age: '3600',
};
const services = [
  aService('plain', { lb: cors }),
  aService('retried', { port: oneDeadTask, lb: cors }),
  aService('rewritten', { lb: { ...cors, context_root: '/app', context_root_rewrite: 'true' } }),
  aService('anybody', { lb: { cors: '*', cors_credentials: 'true' } }),
  aService('listed', { lb: { ...cors, deny: '198.51.100.7' } }),
  aService('calls', { port: http2Port, lb: { ...cors, backend_protocol: 'grpc' } }),
  aService('shut', { lb: { ...cors, maintenance: 'true' } }),
  aService('own', { lb: { ...cors, 'response_header.Access-Control-Expose-Headers': 'X-Total' } }),
  aService('strict', { lb: { ...cors, security_headers: 'strict' } }),
  aService('secured', { lb: { ...cors, ssl_cert: 'site', ssl_client_ca: 'ca', hsts: '600' } }),
  aService('other'),
  aService('beside', { host: 'plain.example.org', lb: { context_root: '/beside' } }),
];

let nginx: NginxContainer;
beforeAll(async () => {
  const site = await makeSite('secured.example.org');
  nginx = await startOddNginx(services, {
    settings: { TrustedProxies: ['0.0.0.0/0'], ClientAddressHeader: 'True-Client-IP' },
    secrets: { site, ca: site.slice(0, site.indexOf('-----BEGIN PRIVATE')) },
  });
});
afterAll(() => nginx[Symbol.asyncDispose]());

const pathOf = (name: string) => (name === 'rewritten' ? '/app/x' : '/x');
const preflight = ['Access-Control-Request-Method: PUT', 'Access-Control-Request-Headers: x-tenant'];
const ask = (name: string, origin: string, method = 'GET', more: readonly string[] = [], query = '') =>
  rawRequest(
    { port: nginx.port },
    head(`${method} ${pathOf(name)}${query} HTTP/1.1`, `Host: ${name}.example.org`, `Origin: ${origin}`, ...more),
  );

function accessControl(headers: RawAnswer['headers']): Record<string, string> {
  return Object.fromEntries(headers.filter(([name]) => name.startsWith('access-control-')));
}

const requests = async (key: string) =>
  JSON.parse((await get(nginx, 'other.example.org', `/count?key=${key}`)).body).count as number;

describe.each(['plain', 'retried', 'rewritten', 'own', 'strict'])('the service %s', (name) => {
  it.each([
    'https://a.test',
    'https://x.b.test',
    'https://x.y.b.test',
    'http://localhost:3000',
    'https://[2001:db8::1]:8443',
  ])('answers %s with its origin, once', async (origin) => {
    const answer = await ask(
      name,
      origin,
      'GET',
      [],
      '?header=Access-Control-Allow-Origin&value=*&header=Vary&value=X',
    );

    expect(answer.status).toBe(200);
    expect(valuesOf(answer.headers, 'access-control-allow-origin')).toEqual([origin]);
    expect(valuesOf(answer.headers, 'access-control-allow-credentials')).toEqual(['true']);
    expect(valuesOf(answer.headers, 'access-control-allow-methods')).toEqual([]);
    expect(valuesOf(answer.headers, 'vary')).toEqual(['X', 'Origin']);
  });

  it('answers the preflight request of an allowed origin itself', async () => {
    const answer = await ask(name, 'https://a.test', 'OPTIONS', [...preflight, `X-Count: ${name}`]);

    expect(answer.status).toBe(204);
    expect(accessControl(answer.headers)).toEqual({
      'access-control-allow-origin': 'https://a.test',
      'access-control-allow-methods': 'GET, PUT',
      'access-control-allow-headers': 'Authorization, X-Tenant',
      'access-control-allow-credentials': 'true',
      'access-control-max-age': '3600',
      ...(name === 'own' ? { 'access-control-expose-headers': 'X-Total' } : {}),
    });
    for (const header of ['access-control-allow-origin', 'access-control-allow-methods', 'vary'])
      expect(valuesOf(answer.headers, header), header).toHaveLength(1);
    expect(await requests(name)).toBe(0);
  });
});

describe.each([
  'https://evil.test',
  'https://a.test.evil.test',
  'https://a.test:8443',
  'http://a.test',
  'https://b.test',
  'https://evilb.test',
  'https://x.b.test.evil.test',
  'https://evil.test/.b.test',
  'https://evil.test?.b.test',
  'https://axtest',
  'null',
])('the origin %s', (origin) => {
  it('receives no Access-Control headers', async () => {
    const own = '?header=Access-Control-Allow-Origin&value=*&header=Access-Control-Allow-Credentials&value=true';
    for (const method of ['GET', 'OPTIONS']) {
      const answer = await ask('plain', origin, method, method === 'OPTIONS' ? preflight : [], own);

      expect(answer.status).toBe(method === 'OPTIONS' ? 204 : 200);
      expect(accessControl(answer.headers)).toEqual({});
      expect(valuesOf(answer.headers, 'vary')).toEqual(['Origin']);
    }
  });
});

it.each([200, 404, 500])('responses with status %i have the headers', async (status) => {
  const answer = await ask('plain', 'https://a.test', 'GET', [], `?status=${status}`);

  expect(answer.status).toBe(status);
  expect(valuesOf(answer.headers, 'access-control-allow-origin')).toEqual(['https://a.test']);
});

it('Vary is sent to clients without an origin too, and once', async () => {
  const answer = await get(nginx, 'plain.example.org', '/x?header=Vary&value=Accept,+origin');

  expect(accessControl(answer.headers)).toEqual({});
  expect(valuesOf(answer.headers, 'vary')).toEqual(['Accept, origin']);
  expect(valuesOf((await get(nginx, 'plain.example.org', '/x')).headers, 'vary')).toEqual(['Origin']);
});

it('any origin is allowed by *, without credentials', async () => {
  const answer = await ask('anybody', 'https://any.test');

  expect(accessControl(answer.headers)).toEqual({ 'access-control-allow-origin': '*' });
  expect(valuesOf(answer.headers, 'vary')).toEqual([]);
  expect(accessControl((await ask('anybody', 'https://any.test', 'OPTIONS', preflight)).headers)).toMatchObject({
    'access-control-allow-origin': '*',
    'access-control-allow-methods': 'GET, HEAD, POST, PUT, PATCH, DELETE',
  });
});

it('other OPTIONS requests reach the service', async () => {
  const answer = await ask('plain', 'https://a.test', 'OPTIONS', ['X-Count: options']);

  expect(answer.status).toBe(200);
  expect(JSON.parse(answer.body).method).toBe('OPTIONS');
});

it('denied addresses receive 403', async () => {
  const denied = ['True-Client-IP: 198.51.100.7'];

  expect((await ask('listed', 'https://a.test', 'OPTIONS', [...preflight, ...denied])).status).toBe(403);
  expect((await ask('listed', 'https://a.test', 'OPTIONS', preflight)).status).toBe(204);
});

it('preflight requests under maintenance receive 503', async () => {
  expect((await ask('shut', 'https://a.test', 'OPTIONS', preflight)).status).toBe(503);
});

it.each(['plain', 'calls'])('over HTTP/2 without TLS, the proxy answers for %s too', async (name) => {
  await using client = await Http2Client.open({ port: nginx.port });
  const headers = { ':authority': `${name}.example.org`, ':path': '/x', origin: 'https://x.b.test' };
  const asked = { ':method': 'OPTIONS', 'access-control-request-method': 'PUT', 'x-count': `h2-${name}` };
  const answer = await client.request({ headers: { ...headers, ...asked } });

  expect(answer.status).toBe(204);
  expect(accessControl(answer.headers)['access-control-allow-origin']).toBe('https://x.b.test');
  expect(accessControl((await client.request({ headers })).headers)).toEqual({
    'access-control-allow-origin': 'https://x.b.test',
    'access-control-allow-credentials': 'true',
  });
  expect(await requests(`h2-${name}`)).toBe(0);
});

describe('a service that requires a client certificate', () => {
  const tls = { servername: 'secured.example.org' };
  const headers = { ':authority': 'secured.example.org', ':path': '/x', origin: 'https://a.test' };
  const asked = { ':method': 'OPTIONS', 'access-control-request-method': 'PUT' };

  it('answers preflight requests, which browsers send without one', async () => {
    await using client = await Http2Client.open({ port: nginx.tlsPort, tls });
    const answer = await client.request({ headers: { ...headers, ...asked } });

    expect(answer.status).toBe(204);
    expect(accessControl(answer.headers)['access-control-allow-origin']).toBe('https://a.test');
    expect(valuesOf(answer.headers, 'strict-transport-security')).toEqual(['max-age=600']);
  });

  it('still requires it for all other requests', async () => {
    await using client = await Http2Client.open({ port: nginx.tlsPort, tls });
    const { ':method': _, ...noMethod } = asked;

    expect((await client.request({ headers })).status).toBe(403);
    expect((await client.request({ headers: { ...headers, ...noMethod } })).status).toBe(403);
    expect((await client.request({ headers: { ...headers, ':method': 'OPTIONS' } })).status).toBe(403);
    const without = { ...headers, ...asked, origin: '' };
    expect((await client.request({ headers: without })).status).toBe(403);
  });
});

it("leaves other services' headers alone, on the same host too", async () => {
  const own = '?header=Access-Control-Allow-Origin&value=*';
  for (const [host, path] of [
    ['other.example.org', '/x'],
    ['plain.example.org', '/beside'],
  ] as const) {
    const answer = await get(nginx, host, path + own, { headers: ['Origin: https://evil.test'] });
    expect(valuesOf(answer.headers, 'access-control-allow-origin')).toEqual(['*']);
    expect(valuesOf(answer.headers, 'vary')).toEqual([]);
  }
});
