// Labels `request_header.<Name>` and `upstream_host`, in the real nginx: each header arrives once, with the headers that
// every service receives, whatever way the request takes.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { aService } from '../support/builders.ts';
import { makeSite } from '../support/material.ts';
import type { NginxContainer } from '../support/nginx-container.ts';
import { type Arrived, arrived, get, http2Port, oneDeadTask, ownPort, startOddNginx } from '../support/odd-nginx.ts';
import { Http2Client, head, RawConnection, rawRequest } from '../support/raw-request.ts';

const text = `a "quoted" $host \\ ; {} #'`;
const headers = {
  'request_header.X-Tenant': 'acme',
  'request_header.X-Text': text,
  'request_header.X-Debug': '',
  'request_header.Authorization': 'Basic eA==',
};
const services = [
  aService('plain', { lb: headers }),
  aService('retried', { port: oneDeadTask, lb: headers }),
  aService('rewritten', { lb: { ...headers, context_root: '/app', context_root_rewrite: 'true' } }),
  aService('secured', { lb: { ...headers, ssl_cert: 'site', hsts: '600' } }),
  aService('named', { lb: { upstream_host: 'App.Internal:8080' } }),
  aService('both', { lb: { ...headers, upstream_host: 'app.internal' } }),
  aService('calls', { port: http2Port, lb: { ...headers, upstream_host: 'app.internal', backend_protocol: 'grpc' } }),
  aService('modern', { port: http2Port, lb: { ...headers, backend_protocol: 'h2c' } }),
  aService('mistyped', { lb: { 'request_header.X-Forwarded-For': '192.0.2.1' } }),
  aService('misnamed', { lb: { upstream_host: 'no host' } }),
  aService('other'),
  // Shares the host of `plain`, below another path.
  aService('beside', { host: 'plain.example.org', lb: { context_root: '/beside' } }),
];

let nginx: NginxContainer;
beforeAll(async () => {
  const site = await makeSite('secured.example.org');
  nginx = await startOddNginx(services, { secrets: { site } });
});
afterAll(() => nginx[Symbol.asyncDispose]());

const sent = ['X-Tenant: mallory', 'x-tenant: mallory', 'X-Debug: 1', 'Authorization: Bearer stolen', 'X-Kept: kept'];
const forged = ['X-Forwarded-For: 192.0.2.9', 'X-SSL-Client-Verify: SUCCESS', 'X-Original-URL: /admin', 'TE: trailers'];

function expectLabels(request: Arrived) {
  expect(request.header('x-tenant')).toBe('acme');
  expect(request.header('x-text')).toBe(text);
  expect(request.header('x-debug')).toBeUndefined();
  expect(request.header('authorization')).toBe('Basic eA==');
  expect(request.header('x-kept')).toBe('kept');
}

/** What every service receives, and what none does: nginx would drop all of it in a location with a header of its own. */
const common = (request: Arrived) =>
  request.headers.filter(([name]) => !/^(?:x-tenant|x-text|x-debug|authorization|host|x-request-id)$/.test(name));

describe.each(['plain', 'retried', 'rewritten', 'secured', 'both'])('the request headers of %s', (name) => {
  const path = name === 'rewritten' ? '/app/x' : '/x';
  const ask = async (method = 'GET', more: readonly string[] = [], body = '') =>
    arrived(
      await rawRequest(
        { port: nginx.port },
        head(`${method} ${path} HTTP/1.1`, `Host: ${name}.example.org`, ...sent, ...forged, ...more) + body,
      ),
    );

  it('replace those of the client, each once', async () => {
    expectLabels(await ask());
  });

  it('do so for bodies that nginx streams', async () => {
    const request = await ask('POST', ['Content-Length: 40000'], 'x'.repeat(40_000));

    expectLabels(request);
    expect(request.length).toBe(40_000);
  });

  it('leave all other headers as without labels', async () => {
    const other = arrived(
      await rawRequest(
        { port: nginx.port },
        head(`GET ${path} HTTP/1.1`, 'Host: other.example.org', ...sent, ...forged),
      ),
    );
    const request = await ask();

    const named = common(request)
      .map(([key, value]) => [key, value.replace(`${name}.example.org`, 'other.example.org')])
      .filter(([key]) => name !== 'rewritten' || key !== 'x-forwarded-prefix');
    expect(named).toEqual(common(other));
    expect(request.header('x-request-id')).toMatch(/^[0-9a-f]{32}$/);
    expect(request.header('x-forwarded-for')).not.toContain('192.0.2.9');
    expect(request.header('x-ssl-client-verify')).toBeUndefined();
    expect(request.header('x-original-url')).toBeUndefined();
    expect(request.header('te')).toBeUndefined();
  });
});

it('the context root is passed on as before', async () => {
  const request = arrived(await get(nginx, 'rewritten.example.org', '/app/x'));

  expect(request.url).toBe('/x');
  expect(request.header('x-forwarded-prefix')).toBe('/app');
});

it('the headers are the same over TLS with HTTP/2', async () => {
  const tls = { servername: 'secured.example.org' };
  await using client = await Http2Client.open({ port: nginx.tlsPort, tls });
  const own = { 'x-tenant': 'mallory', 'x-debug': '1', 'x-kept': 'kept', authorization: 'Bearer stolen' };
  const request = arrived(await client.request({ headers: { ':authority': 'secured.example.org', ...own } }));

  expectLabels(request);
  expect(request.header('x-forwarded-proto')).toBe('https');
});

it.each(['calls', 'modern'])('the headers reach a service over HTTP/2: %s', async (name) => {
  await using client = await Http2Client.open({ port: nginx.port });
  const own = { 'x-tenant': 'mallory', 'x-debug': '1', 'x-kept': 'kept', authorization: 'Bearer stolen' };
  const forged = { 'x-forwarded-for': '192.0.2.9', 'x-ssl-client-verify': 'SUCCESS', te: 'trailers' };
  const question = { ':authority': `${name}.example.org`, ':method': 'POST', ':path': '/s/M', ...own, ...forged };
  const request = arrived(await client.request({ headers: question, body: 'x'.repeat(40_000) }));

  expectLabels(request);
  expect(request.httpVersion).toBe('2.0');
  expect(request.length).toBe(40_000);
  expect(request.header('x-forwarded-for')).not.toContain('192.0.2.9');
  expect(request.header('x-forwarded-host')).toMatch(new RegExp(`^${name}\\.example\\.org`));
  expect(request.header('x-ssl-client-verify')).toBeUndefined();
});

describe('the label upstream_host', () => {
  it.each([
    ['named', 'app.internal:8080'],
    ['both', 'app.internal'],
    ['misnamed', `misnamed.example.org`],
    ['other', `other.example.org`],
  ])('of %s sends the host %s', async (name, host) => {
    const request = arrived(await get(nginx, `${name}.example.org`, '/x'));

    expect(request.header('host')).toBe(host);
    expect(request.header('x-forwarded-host')).toBe(`${name}.example.org`);
  });

  it('sends the authority of gRPC calls', async () => {
    await using client = await Http2Client.open({ port: nginx.port });
    const request = arrived(
      await client.request({ headers: { ':authority': 'calls.example.org', ':method': 'POST', ':path': '/s/M' } }),
    );

    expect(request.header('host')).toBe('app.internal');
  });
});

describe('the label upstream_host with TLS to the service', () => {
  const application = `server { listen 127.0.0.1:9004 ssl; ssl_certificate /run/secrets/site; ssl_certificate_key /run/secrets/site;
    location / { return 200 "$ssl_server_name $http_host"; } }`;
  const secure = { backend_protocol: 'https', upstream_host: 'app.internal:8443' };
  let odd: NginxContainer;
  beforeAll(async () => {
    const services = [
      aService('named', { port: ownPort, lb: secure }),
      aService('grpc', { port: ownPort, lb: { ...secure, backend_protocol: 'grpcs' } }),
      aService('both', { port: ownPort, lb: { ...secure, ssl_backend_name: 'tls.internal' } }),
      aService('other', { port: ownPort, lb: { backend_protocol: 'https' } }),
    ];
    const settings = { Config: { HTTPOptions: [application] } };
    odd = await startOddNginx(services, { settings, secrets: { site: await makeSite('app.internal') } });
    return () => odd[Symbol.asyncDispose]();
  });

  it.each([
    ['named', 'app.internal app.internal:8443'],
    ['both', 'tls.internal app.internal:8443'],
    ['other', 'other.example.org other.example.org'],
  ])('of %s sends %s, as name of the handshake and as host', async (name, expected) => {
    expect((await get(odd, `${name}.example.org`, '/x')).body).toBe(expected);
  });

  it('is the name in the handshake of gRPC', async () => {
    await using client = await Http2Client.open({ port: odd.port });
    const answer = await client.request({ headers: { ':authority': 'grpc.example.org', ':method': 'POST' } });

    expect(answer.body).toBe('app.internal app.internal:8443');
  });
});

it('WebSockets work, with the headers', async () => {
  await using connection = await RawConnection.open({ port: nginx.port });
  const upgrade = ['Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Key: eA==', 'Sec-WebSocket-Version: 13'];
  connection.write(head('GET /x HTTP/1.1', 'Host: both.example.org', 'X-Tenant: mallory', ...upgrade));

  expect((await connection.answer()).status).toBe(101);
  const report = await connection.until(/\n/);
  expect(report).toContain('"X-Tenant","acme"');
  expect(report).toContain('"Host","app.internal"');
  expect(report).not.toContain('mallory');
});

it('closes the route of a header that the proxies control', async () => {
  expect((await get(nginx, 'mistyped.example.org')).status).toBe(503);
});

it('leaves other services alone, on the same host too', async () => {
  for (const [host, path] of [
    ['other.example.org', '/x'],
    ['plain.example.org', '/beside'],
  ] as const) {
    const request = arrived(await get(nginx, host, path, { headers: sent }));
    expect(request.header('x-tenant')).toEqual(['mallory', 'mallory']);
    expect(request.header('x-debug')).toBe('1');
  }
});

describe('with headers of the administrator, and underscores', () => {
  let odd: NginxContainer;
  beforeAll(async () => {
    odd = await startOddNginx([aService('plain', { lb: headers }), aService('other')], {
      settings: {
        Config: {
          UnderscoresInHeaders: true,
          HTTPOptions: ['proxy_set_header X-Env "prod $scheme";', 'proxy_set_header X-Tenant nobody;'],
        },
      },
    });
    return () => odd[Symbol.asyncDispose]();
  });

  it("sends the administrator's headers too, and none of the client's spellings", async () => {
    const spelled = ['X_Tenant: mallory', 'X_Forwarded-For: 192.0.2.9', 'X_Other: kept'];
    const request = arrived(await get(odd, 'plain.example.org', '/x', { headers: [...sent, ...spelled] }));

    expectLabels(request);
    expect(request.header('x-env')).toBe('prod http');
    expect(request.header('x_tenant')).toBeUndefined();
    expect(request.header('x_forwarded-for')).toBeUndefined();
    expect(request.header('x_other')).toBe('kept');
  });
});
