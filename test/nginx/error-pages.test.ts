// Every error of nginx itself has a designed page with the request id and nothing about internals.
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { aService } from '../support/builders.ts';
import { makeCertificate } from '../support/material.ts';
import type { NginxContainer } from '../support/nginx-container.ts';
import { deadOnly, get, startOddNginx } from '../support/odd-nginx.ts';
import { Http2Client, head, type RawAnswer, rawRequest, valuesOf } from '../support/raw-request.ts';

const services = [
  aService('plain'),
  aService('path', { lb: { context_root: '/app' } }),
  aService('rewritten', { lb: { context_root: '/app', context_root_rewrite: 'true' } }),
  aService('dead', { port: deadOnly }),
  aService('gone', { mode: { kind: 'replicated', replicas: 0 } }),
  aService('calls', { port: deadOnly, lb: { backend_protocol: 'grpc' } }),
  aService('gone-calls', { mode: { kind: 'replicated', replicas: 0 }, lb: { backend_protocol: 'grpc' } }),
  aService('shut-calls', { port: deadOnly, lb: { backend_protocol: 'grpc', maintenance: 'true' } }),
  aService('moved', { lb: { redirects: 'http://moved.example.org,https://new.example.org' } }),
  aService('secure', { lb: { ssl_only: 'true' } }),
  aService('site', { lb: { ssl_cert: 'site' } }),
  aService('locked', { lb: { ssl_cert: 'site', ssl_client_ca: 'ca' } }),
];

let folder: string;
let nginx: NginxContainer;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pages-'));
  await makeCertificate(folder, 'site', { names: ['site.example.org', 'locked.example.org'] });
  for (const ca of ['ca', 'other-ca']) await makeCertificate(folder, ca, { names: [ca] });
  await makeCertificate(folder, 'mallory', { names: ['mallory'], issuer: 'other-ca' });
  const secrets = { site: read('site.crt') + read('site.key'), ca: read('ca.crt') };
  nginx = await startOddNginx(services, { secrets, settings: { Config: { ConnectTimeout: 1, ReadTimeout: 1 } } });
  return () => nginx[Symbol.asyncDispose]();
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const read = (file: string) => readFileSync(join(folder, file), 'utf8');
const id = 'request-0123456789';

function expectDesigned(
  { headers, body }: Pick<RawAnswer, 'headers' | 'body'>,
  status: number,
  id: string | RegExp,
): void {
  expect(valuesOf(headers, 'content-type').join()).toMatch(/^text\/html/);
  expect(body).toMatch(/^<!doctype html>/i);
  expect(body).toContain(String(status));
  expect(body).toMatch(id);
  expect(body).not.toMatch(/<center>|nginx|127\.0\.0\.1|:\d{4}|upstream|tasks\./i);
  if ([502, 503, 504].includes(status)) expect(valuesOf(headers, 'retry-after').join()).toMatch(/^\d+$/);
}

describe('14: an error page', () => {
  it.each`
    host                       | target             | status
    ${'unknown.example.org'}   | ${'/'}             | ${503}
    ${'unknown.example.org'}   | ${'/a/b?c'}        | ${503}
    ${'gone.example.org'}      | ${'/'}             | ${503}
    ${'path.example.org'}      | ${'/'}             | ${404}
    ${'path.example.org'}      | ${'/apple'}        | ${404}
    ${'rewritten.example.org'} | ${'/x'}            | ${404}
    ${'dead.example.org'}      | ${'/'}             | ${502}
    ${'plain.example.org'}     | ${'/drop'}         | ${502}
    ${'plain.example.org'}     | ${'/slow?ms=3000'} | ${504}
  `('answers $status: $host $target', async ({ host, target, status }) => {
    await using h2 = await Http2Client.open({ port: nginx.port });

    const first = await get(nginx, host, target, { headers: [`X-Request-ID: ${id}`] });
    const second = await h2.request({ headers: { ':authority': host, ':path': target, 'x-request-id': id } });
    const post = await get(nginx, host, target, {
      method: 'POST',
      headers: [`X-Request-ID: ${id}`, 'Content-Length: 0'],
    });

    for (const answer of [first, second, post]) {
      expect(answer.status, answer.body).toBe(status);
      expectDesigned(answer, status, id);
    }
  });

  const host = 'Host: plain.example.org';
  const long = 'x'.repeat(40_000);
  it.each([
    ['no Host', head('GET / HTTP/1.1'), 400],
    ['two Hosts', head('GET / HTTP/1.1', host, host), 400],
    ['a bad Host', head('GET / HTTP/1.1', 'Host: a b'), 400],
    ['a bad encoding', head('GET /%zz HTTP/1.1', host), 400],
    ['a path above the root', head('GET /../../x HTTP/1.1', host), 400],
    ['a bad method', head('GE(T / HTTP/1.1', host), 400],
    ['a bad length', head('POST / HTTP/1.1', host, 'Content-Length: many'), 400],
    ['length and chunks', head('POST / HTTP/1.1', host, 'Content-Length: 1', 'Transfer-Encoding: chunked'), 400],
    ['a bad header', head('GET / HTTP/1.1', host, 'X-Nul: a\0b'), 400],
    ['TRACE', head('TRACE / HTTP/1.1', host), 405],
    ['CONNECT', head('CONNECT plain.example.org:443 HTTP/1.1', host), 405],
    ['a body that is too large', head('POST / HTTP/1.1', host, 'Content-Length: 1000000000000'), 413],
    ['a target that is too long', head(`GET /${long} HTTP/1.1`, host), 414],
    ['an unknown transfer coding', head('POST / HTTP/1.1', host, 'Transfer-Encoding: gzip'), 501],
    ['an unknown version', head('GET / HTTP/3.0', host), 505],
  ])('answers a request with %s', async (_, bytes, status) => {
    const answer = await rawRequest({ port: nginx.port }, bytes);

    expect(answer.status, answer.body).toBe(status);
    expectDesigned(answer, status, /\b([0-9a-f]{32})\b/);
  });

  it.each([
    ['one large header', [`X-Large: ${long}`]],
    ['many large headers', Array.from({ length: 30 }, (_, n) => `X-Large-${n}: ${'x'.repeat(4000)}`)],
  ])('answers a request with %s', async (_, headers) => {
    const answer = await get(nginx, 'plain.example.org', '/', { headers });

    expect([400, 431]).toContain(answer.status);
    expectDesigned(answer, answer.status, /\b[0-9a-f]{32}\b/);
  });

  it('answers a request without TLS on the TLS port', async () => {
    const answer = await rawRequest({ port: nginx.tlsPort }, head('GET / HTTP/1.1', host));

    expect(answer.status).toBe(400);
    expectDesigned(answer, 400, /\b[0-9a-f]{32}\b/);
  });

  it.each`
    connection  | host         | status
    ${'locked'} | ${'locked'}  | ${403}
    ${'site'}   | ${'locked'}  | ${421}
    ${'site'}   | ${'unknown'} | ${421}
  `('answers $status over TLS for $host on a connection for $connection', async ({ connection, host, status }) => {
    const at = { port: nginx.tlsPort, tls: { servername: `${connection}.example.org` } };
    await using h2 = await Http2Client.open(at);
    const authority = `${host}.example.org`;

    const first = await rawRequest(at, head('GET / HTTP/1.1', `Host: ${authority}`, `X-Request-ID: ${id}`));
    const second = await h2.request({ headers: { ':authority': authority, ':scheme': 'https', 'x-request-id': id } });

    for (const answer of [first, second]) {
      expect(answer.status).toBe(status);
      // Some are answered before all headers are read.
      expectDesigned(answer, status, new RegExp(`${id}|\\b[0-9a-f]{32}\\b`));
    }
  });

  it('answers a client whose certificate another CA has signed', async () => {
    const client = { cert: read('mallory.crt'), key: read('mallory.key') };
    const at = { port: nginx.tlsPort, tls: { servername: 'locked.example.org', client } };

    const answer = await rawRequest(at, head('GET / HTTP/1.1', 'Host: locked.example.org', `X-Request-ID: ${id}`));

    expect(answer.status).toBe(400);
    expectDesigned(answer, 400, id);
  });
});

describe('14: bodies of redirects', () => {
  it.each`
    host                    | method    | status
    ${'moved.example.org'}  | ${'GET'}  | ${302}
    ${'secure.example.org'} | ${'GET'}  | ${301}
    ${'secure.example.org'} | ${'POST'} | ${308}
  `('do not mention nginx: $status', async ({ host, method, status }) => {
    const answer = await get(nginx, host, '/x', { method, headers: method === 'POST' ? ['Content-Length: 0'] : [] });

    expect(answer.status).toBe(status);
    expect(answer.body).not.toMatch(/<center>|nginx/i);
  });
});

describe('14: errors of an application', () => {
  it.each([400, 403, 404, 405, 413, 418, 421, 500, 502, 503, 504])('pass unchanged: %s', async (status) => {
    const answer = await get(nginx, 'plain.example.org', `/own?status=${status}&header=x-own&value=yes`);

    expect(answer.status).toBe(status);
    expect(JSON.parse(answer.body).url).toContain('/own?');
    expect(valuesOf(answer.headers, 'x-own')).toEqual(['yes']);
  });
});

describe('15: errors of gRPC routes', () => {
  it.each`
    host                        | why
    ${'calls.example.org'}      | ${'refuses connections'}
    ${'gone-calls.example.org'} | ${'has no tasks'}
    ${'shut-calls.example.org'} | ${'is in maintenance'}
  `('are sent as the status UNAVAILABLE if the service $why', async ({ host }) => {
    await using h2 = await Http2Client.open({ port: nginx.port });

    const { status, headers, trailers } = await h2.request({
      headers: {
        ':method': 'POST',
        ':path': '/demo.Echo/Say',
        ':authority': host,
        'content-type': 'application/grpc',
        te: 'trailers',
      },
      body: Buffer.from([0, 0, 0, 0, 0]),
    });

    expect(status).toBe(200);
    expect(valuesOf(headers, 'content-type').join()).toMatch(/^application\/grpc/);
    expect(valuesOf([...headers, ...Object.entries(trailers)], 'grpc-status')).toEqual(['14']);
  });
});
