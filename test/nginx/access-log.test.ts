// The label `access_log` and the setting `AccessLogFormat`, in the real nginx.
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { aService } from '../support/builders.ts';
import { eventually } from '../support/eventually.ts';
import { makeCertificate } from '../support/material.ts';
import type { NginxContainer } from '../support/nginx-container.ts';
import { deadOnly, get, oneDeadTask, startOddNginx } from '../support/odd-nginx.ts';
import { Http2Client, head, rawRequest } from '../support/raw-request.ts';

const log = '/tmp/access.log';
const services = [
  aService('plain', { lb: { ssl_cert: 'site' } }),
  aService('retried', { port: oneDeadTask }),
  aService('silent', { lb: { access_log: 'false' } }),
  aService('silent-below', { host: 'plain.example.org', lb: { context_root: '/silent', access_log: 'false' } }),
  aService('silent-dead', { port: deadOnly, lb: { access_log: 'false' } }),
  aService('failing', { lb: { access_log: 'errors' } }),
  aService('failing-dead', { port: deadOnly, lb: { access_log: 'errors' } }),
  aService('failing-shut', { lb: { access_log: 'errors', maintenance: 'true' } }),
  aService('failing-calls', { port: deadOnly, lb: { access_log: 'errors', backend_protocol: 'grpc' } }),
];

let nginx: NginxContainer;
beforeAll(async () => {
  const folder = await mkdtemp(join(tmpdir(), 'log-'));
  await makeCertificate(folder, 'site', { names: ['plain.example.org'] });
  const site = (await readFile(join(folder, 'site.crt'), 'utf8')) + (await readFile(join(folder, 'site.key'), 'utf8'));
  await rm(folder, { recursive: true });
  const Config = { AccessLogPath: log, AccessLogFormat: 'json' };
  nginx = await startOddNginx(services, { secrets: { site }, settings: { Config } });
});
afterAll(() => nginx[Symbol.asyncDispose]());

let marks = 0;

/** Waits until all requests so far are in the log, and returns its lines, which must be UTF-8 and JSON. */
async function logged(): Promise<Record<string, unknown>[]> {
  const mark = `/mark-${++marks}`;
  // Each worker has its own buffer: several connections reach all of them.
  const marked = Array.from({ length: 32 }, () => get(nginx, 'plain.example.org', mark));
  await Promise.all(marked);
  return eventually(
    async () => {
      const lines = (await nginx.readBytes(log)).toString('latin1').trimEnd().split('\n');
      const read = lines.map((line) =>
        JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(Buffer.from(line, 'latin1'))),
      );
      expect(read.filter(({ path }) => path === mark).length).toBe(marked.length);
      return read;
    },
    { timeoutMs: 10_000 },
  );
}

const pathsOf = (lines: readonly Record<string, unknown>[], host: string) =>
  lines.filter((line) => line.host === host).map(({ path }) => path);

describe('a line in JSON', () => {
  it('has the documented fields', async () => {
    const headers = ['X-Request-ID: request-0123456789', 'User-Agent: test "agent"', 'Referer: http://a/?b'];
    await get(nginx, 'plain.example.org', '/x%20y?status=404&z=%22', { headers });

    const line = (await logged()).find(({ path }) => path === '/x%20y');
    expect(line).toEqual({
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d\d:\d\d$/),
      host: 'plain.example.org',
      method: 'GET',
      path: '/x%20y',
      query: 'status=404&z=%22',
      protocol: 'HTTP/1.1',
      status: 404,
      bytes: expect.any(Number),
      request_bytes: expect.any(Number),
      duration: expect.any(Number),
      upstream_address: '127.0.0.1:9001',
      upstream_status: '404',
      upstream_time: expect.stringMatching(/^\d\.\d{3}$/),
      request_id: 'request-0123456789',
      client: expect.stringMatching(/^[0-9.]+$/),
      tls_version: '',
      service: 'plain',
      user_agent: 'test "agent"',
      referer: 'http://a/?b',
      traceparent: '',
    });
  });

  it('has the trace context of the client, which the application receives unchanged', async () => {
    const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
    const tracestate = 'vendor=00f067aa0ba902b7,other=1';
    const headers = [`traceparent: ${traceparent}`, `tracestate: ${tracestate}`];
    const { body } = await get(nginx, 'plain.example.org', '/traced', { headers });

    expect(JSON.parse(body).rawHeaders).toEqual(expect.arrayContaining([traceparent, tracestate]));
    expect((await logged()).find(({ path }) => path === '/traced')).toMatchObject({ traceparent });
  });

  it('names the TLS version, the first task and the second', async () => {
    const tls = { servername: 'plain.example.org' };
    await rawRequest({ port: nginx.tlsPort, tls }, head('GET /over-tls HTTP/1.1', 'Host: plain.example.org'));
    for (let times = 0; times < 4; times++) await get(nginx, 'retried.example.org', '/retried');

    const lines = await logged();
    expect(lines.find(({ path }) => path === '/over-tls')).toMatchObject({ tls_version: 'TLSv1.3', status: 200 });
    expect(lines.filter(({ path }) => path === '/retried')).toContainEqual(
      expect.objectContaining({
        upstream_address: '127.0.0.1:9009, 127.0.0.1:9001',
        upstream_status: '502, 200',
        service: 'retried',
      }),
    );
  });

  it('parses whatever clients send', async () => {
    const bytes = Array.from({ length: 255 }, (_, n) => String.fromCharCode(n + 1))
      .join('')
      .replaceAll(/[\r\n]/g, '');
    const inTarget = bytes.replaceAll(/[\0-\x20\x7f]/g, '');
    const long = `${'\u00c3\u00a4'.repeat(6000)}${'a\u00c3\u00a4'.repeat(3000)}`;
    const requests = [
      head(`GET /${inTarget} HTTP/1.1`, 'Host: plain.example.org'),
      head(
        `GET /?${inTarget} HTTP/1.1`,
        'Host: plain.example.org',
        `User-Agent: ${bytes}`,
        `Referer: ${bytes}`,
        `traceparent: ${bytes}`,
      ),
      head(`GET /${long} HTTP/1.1`, 'Host: plain.example.org'),
      head('GET /utf-\u00c3\u00a4 HTTP/1.1', 'Host: plain.example.org', 'User-Agent: \u00e2\u0082\u00ac \\" \\x41'),
      head('GET /overlong-\u00c0\u00af HTTP/1.1', 'Host: plain.example.org'),
      head('GET /x HTTP/1.1', 'Host: caf\u00e9.example.org'),
      head('GET /x HTTP/1.1', 'Host: a"b\\c.example.org'),
      head('GET http://plain.example.org/absolute?q HTTP/1.1', 'Host: other.example.org'),
      head('G"T / HTTP/1.1', 'Host: plain.example.org'),
      head('GET / HTTP/7', 'Host: plain.example.org'),
      'GET /old\r\n',
      '\u00ff\u00fe\0\r\n\r\n',
      head('POST /big HTTP/1.1', 'Host: plain.example.org', 'Content-Length: 99999999'),
    ];
    for (const request of requests) await rawRequest({ port: nginx.port }, request).catch(() => undefined);

    const lines = await logged();
    expect(lines).toContainEqual(expect.objectContaining({ path: '/utf-ä', user_agent: '€ \\" \\x41' }));
    expect(lines).toContainEqual(expect.objectContaining({ path: `/${'ä'.repeat(6000)}${'aä'.repeat(3000)}` }));
    expect(lines).toContainEqual(expect.objectContaining({ path: '(not UTF-8)', host: 'plain.example.org' }));
    expect(lines).toContainEqual(expect.objectContaining({ user_agent: '(not UTF-8)', referer: '(not UTF-8)' }));
    expect(lines).toContainEqual(expect.objectContaining({ path: '/absolute', query: 'q' }));
    expect(lines).toContainEqual(expect.objectContaining({ path: '/big', status: 413 }));
  });
});

describe('access_log', () => {
  it('false: logs nothing, errors included', async () => {
    for (const host of ['silent.example.org', 'silent-dead.example.org']) await get(nginx, host, '/x');
    await get(nginx, 'silent.example.org', '/x?status=500');
    await get(nginx, 'plain.example.org', '/silent/x');
    await get(nginx, 'plain.example.org', '/heard');

    const lines = await logged();
    expect(lines.filter(({ host }) => String(host).startsWith('silent'))).toEqual([]);
    expect(pathsOf(lines, 'plain.example.org')).toContain('/heard');
    expect(pathsOf(lines, 'plain.example.org')).not.toContain('/silent/x');
  });

  it('errors: logs only failures', async () => {
    await using h2 = await Http2Client.open({ port: nginx.port });
    for (const status of [200, 204, 302, 304, 400, 404, 500])
      await get(nginx, 'failing.example.org', `/${status}?status=${status}`);
    for (const host of ['failing-dead.example.org', 'failing-shut.example.org']) await get(nginx, host, '/x');
    await h2.request({ headers: { ':method': 'POST', ':authority': 'failing-calls.example.org', ':path': '/s/m' } });

    const lines = await logged();
    expect(pathsOf(lines, 'failing.example.org').toSorted()).toEqual(['/400', '/404', '/500']);
    expect(pathsOf(lines, 'failing-dead.example.org')).toEqual(['/x']);
    expect(pathsOf(lines, 'failing-shut.example.org')).toEqual(['/x']);
    expect(pathsOf(lines, 'failing-calls.example.org')).toEqual(['/s/m']);
  });
});
