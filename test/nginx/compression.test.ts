// Label `compress`, in the real nginx: what is compressed, for whom, and what must not be.
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { aService } from '../support/builders.ts';
import { makeSite } from '../support/material.ts';
import type { NginxContainer } from '../support/nginx-container.ts';
import { get, http2Port, oneDeadTask, startOddNginx } from '../support/odd-nginx.ts';
import { Http2Client, head, RawConnection, rawRequest, valuesOf } from '../support/raw-request.ts';

const services = [
  aService('plain', { lb: { compress: 'true' } }),
  aService('retried', { port: oneDeadTask, lb: { compress: 'gzip' } }),
  aService('rewritten', { lb: { compress: 'gzip, br', context_root: '/app', context_root_rewrite: 'true' } }),
  aService('always', { lb: { compress: 'gzip, always' } }),
  aService('calls', { port: http2Port, lb: { compress: 'always', backend_protocol: 'grpc' } }),
  aService('modern', { port: http2Port, lb: { compress: 'true', backend_protocol: 'h2c' } }),
  aService('labeled', {
    lb: { compress: 'true', 'request_header.X-Tenant': 'acme', 'response_header.X-A': 'b', cors: 'https://a.test' },
  }),
  aService('secured', { lb: { compress: 'true', ssl_cert: 'site' } }),
  aService('brotli', { lb: { compress: 'br' } }),
  aService('other'),
];

let nginx: NginxContainer;
beforeAll(async () => {
  nginx = await startOddNginx(services, { secrets: { site: await makeSite('secured.example.org') } });
});
afterAll(() => nginx[Symbol.asyncDispose]());

const gzip = 'Accept-Encoding: gzip, br';
const download = (bytes: number, type: string, more = '') =>
  `/download?bytes=${bytes}&header=Content-Type&value=${encodeURIComponent(type)}&header=ETag&value=%22v1%22${more}`;
const ask = (name: string, target: string, headers: readonly string[] = [gzip]) =>
  get(nginx, `${name}.example.org`, name === 'rewritten' ? `/app${target}` : target, { headers });
const encoding = ({ headers }: Awaited<ReturnType<typeof get>>) => valuesOf(headers, 'content-encoding').join();

describe.each(['plain', 'retried', 'rewritten', 'always', 'modern', 'labeled'])('the service %s', (name) => {
  it.each([
    ['text/html'],
    ['text/css; charset=utf-8'],
    ['application/json'],
    ['text/javascript'],
    ['image/svg+xml'],
    ['application/wasm'],
  ])('is compressed: %s', async (type) => {
    const answer = await ask(name, download(5000, type));

    expect(answer.status).toBe(200);
    expect(encoding(answer)).toBe('gzip');
    expect(valuesOf(answer.headers, 'vary').join()).toContain('Accept-Encoding');
    expect(valuesOf(answer.headers, 'etag')).toEqual(['W/"v1"']);
    expect(valuesOf(answer.headers, 'content-length')).toEqual([]);
    expect(answer.body.length).toBeLessThan(1000);
  });

  it.each([['image/png'], ['video/mp4'], ['application/zip'], ['text/event-stream'], ['application/grpc']])(
    'is not compressed: %s',
    async (type) => {
      const answer = await ask(name, download(5000, type));

      expect(encoding(answer)).toBe('');
      expect(valuesOf(answer.headers, 'etag')).toEqual(['"v1"']);
      expect(answer.body).toHaveLength(5000);
    },
  );

  it('small responses are not compressed', async () => {
    expect(encoding(await ask(name, download(1000, 'text/css')))).toBe('');
  });

  it.each([[[]], [['Accept-Encoding: identity']], [['Accept-Encoding: gzip;q=0, br']]])(
    'clients that do not accept it receive the same text: %j',
    async (headers) => {
      const answer = await ask(name, download(5000, 'text/css'), headers);

      expect(encoding(answer)).toBe('');
      expect(answer.body).toHaveLength(5000);
      expect(valuesOf(answer.headers, 'vary').join()).toContain('Accept-Encoding');
    },
  );

  it('what the service has compressed stays as it is', async () => {
    const answer = await ask(name, download(5000, 'text/css', '&header=Content-Encoding&value=br'));

    expect(encoding(answer)).toBe('br');
    expect(answer.body).toHaveLength(5000);
  });

  it('other statuses, and requests for a part, are not compressed', async () => {
    expect(encoding(await ask(name, download(5000, 'text/css', '&status=206')))).toBe('');
    expect(encoding(await ask(name, download(5000, 'text/css', '&status=500')))).toBe('');
  });
});

describe.each(['Cookie: session=1', 'Authorization: Bearer x'])('a request with %s', (credential) => {
  it.each(['plain', 'retried', 'rewritten', 'modern', 'labeled'])('is answered uncompressed: %s', async (name) => {
    const answer = await ask(name, download(5000, 'text/html'), [gzip, credential]);

    expect(encoding(answer)).toBe('');
    expect(answer.body).toHaveLength(5000);
  });

  it('is compressed with always', async () => {
    const answer = await ask('always', download(5000, 'text/html', '&header=Set-Cookie&value=a=b'), [gzip, credential]);

    expect(encoding(answer)).toBe('gzip');
  });

  it('is forwarded as without the label', async () => {
    const report = async (name: string) => {
      const { headers } = JSON.parse((await ask(name, '/x', [gzip, credential])).body) as never;
      return headers;
    };
    expect(await report('plain')).toEqual(await report('other'));
    const answer = await ask('labeled', '/x', [gzip, credential, 'Origin: https://a.test']);
    expect(valuesOf(answer.headers, 'x-a')).toEqual(['b']);
    expect(valuesOf(answer.headers, 'access-control-allow-origin')).toEqual(['https://a.test']);
    expect(answer.body).toContain('"X-Tenant","acme"');
  });

  it('with a streamed body arrives completely', async () => {
    const body = 'x'.repeat(40_000);
    const lines = ['POST /x HTTP/1.1', 'Host: plain.example.org', gzip, credential, `Content-Length: ${body.length}`];
    const answer = await rawRequest({ port: nginx.port }, head(...lines) + body);

    expect(JSON.parse(answer.body).length).toBe(body.length);
  });
});

it('the compressed text is the same text, over TLS with HTTP/2', async () => {
  await using client = await Http2Client.open({ port: nginx.tlsPort, tls: { servername: 'secured.example.org' } });
  const stream = client.stream({
    ':authority': 'secured.example.org',
    ':path': download(5000, 'text/css'),
    'accept-encoding': 'gzip',
  });
  stream.end();
  const chunks: Buffer[] = [];
  for await (const chunk of stream as AsyncIterable<Buffer>) chunks.push(chunk);

  expect(gunzipSync(Buffer.concat(chunks)).toString()).toBe('odd-app.'.repeat(625));
});

it('gRPC is not compressed', async () => {
  await using client = await Http2Client.open({ port: nginx.port });
  const answer = await client.request({
    headers: { ':authority': 'calls.example.org', ':path': download(5000, 'text/css'), 'accept-encoding': 'gzip' },
  });

  expect(valuesOf(answer.headers, 'content-encoding')).toEqual([]);
  expect(answer.body).toHaveLength(5000);
});

it('event streams arrive event by event', async () => {
  await using connection = await RawConnection.open({ port: nginx.port });
  connection.write(head('GET /sse HTTP/1.1', 'Host: always.example.org', gzip));

  const first = await connection.until(/data: 0\n\n/);
  expect(first).not.toMatch(/content-encoding/i);
  expect(first).not.toContain('data: 1');
});

it.each(['other', 'brotli'])('nothing is compressed for %s', async (name) => {
  const answer = await ask(name, download(5000, 'text/css'));

  expect(encoding(answer)).toBe('');
  expect(valuesOf(answer.headers, 'vary')).toEqual([]);
});
