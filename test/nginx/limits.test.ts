// Labels `rate_limit` and `connection_limit`, in the real nginx: every way of reaching a service is counted once.
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { aService } from '../support/builders.ts';
import { eventually } from '../support/eventually.ts';
import { makeCertificate } from '../support/material.ts';
import type { NginxContainer } from '../support/nginx-container.ts';
import { deadOnly, startOddNginx } from '../support/odd-nginx.ts';
import { Http2Client, head, RawConnection, rawRequest, valuesOf } from '../support/raw-request.ts';

const site = { ssl_cert: 'site' };
/** Accepts four requests within seconds. */
const four = '1r/m burst=3';
const services = [
  aService('limited', { lb: { rate_limit: '5r/s burst=5' } }),
  aService('four', { lb: { ...site, rate_limit: four } }),
  aService('paths', { lb: { rate_limit: four, context_root: '/app', context_root_rewrite: 'true' } }),
  aService('dead', { port: deadOnly, lb: { rate_limit: four } }),
  aService('uploads', { lb: { rate_limit: four } }),
  aService('calls', { port: deadOnly, lb: { rate_limit: '1r/m burst=0', backend_protocol: 'grpc' } }),
  aService('both', { host: 'a.both.example.org,b.both.example.org', lb: { rate_limit: four } }),
  aService('networks', { lb: { rate_limit: '1r/m burst=0' } }),
  aService('hosts', { host: '*.hosts.example.org', lb: { rate_limit: `${four} key=host` } }),
  aService('keys', { lb: { rate_limit: `${four} key=header:X-Api-Key` } }),
  aService('trial', { lb: { rate_limit: `${four} try` } }),
  aService('shut', { lb: { rate_limit: four, maintenance: 'true' } }),
  aService('denied', { lb: { rate_limit: four, deny: '198.51.100.7' } }),
  aService('mistyped', { lb: { rate_limit: 'many' } }),
  aService('older', { host: 'shared.example.org', createdAt: '1', lb: { rate_limit: four } }),
  aService('newer', { host: 'shared.example.org', createdAt: '2', lb: { rate_limit: '100r/s' } }),
  aService('slow', { lb: { rate_limit: '7r/m burst=0' } }),
  aService('one', { lb: { ...site, connection_limit: '1' } }),
  aService('busy', { lb: { rate_limit: '1r/m burst=9', connection_limit: '1' } }),
  aService('other'),
];

let folder: string;
let nginx: NginxContainer;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'limits-'));
  await makeCertificate(folder, 'site', { names: ['four.example.org', 'one.example.org'] });
  const read = (file: string) => readFileSync(join(folder, file), 'utf8');
  nginx = await startOddNginx(services, {
    secrets: { site: read('site.crt') + read('site.key') },
    settings: {
      TrustedProxies: ['0.0.0.0/0', '::/0'],
      ClientAddressHeader: 'True-Client-IP',
      Config: { HideInfoHeaders: false },
    },
  });
});
afterAll(async () => {
  await nginx[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

interface Asked {
  readonly path?: string;
  readonly headers?: readonly string[];
  readonly body?: string;
}

function request(host: string, address: string, { path = '/x', headers = [], body }: Asked = {}) {
  const method = body === undefined ? 'GET' : 'POST';
  const length = body === undefined ? [] : [`Content-Length: ${body.length}`];
  const lines = [`${method} ${path} HTTP/1.1`, `Host: ${host}`, `True-Client-IP: ${address}`, ...length, ...headers];
  return head(...lines) + (body ?? '');
}

const ask = (name: string, address: string, asked?: Asked) =>
  rawRequest({ port: nginx.port }, request(name.includes('.') ? name : `${name}.example.org`, address, asked));

/** The statuses of so many requests, one after the other. */
async function statuses(count: number, one: (n: number) => Promise<{ readonly status: number }>): Promise<number[]> {
  const found: number[] = [];
  for (let n = 0; n < count; n++) found.push((await one(n)).status);
  return found;
}

const firstFour = [200, 200, 200, 200, 429, 429];

describe('a service with a rate limit', () => {
  it('accepts the burst and the rate of 100 requests at once, and does not affect others', async () => {
    const started = performance.now();
    const all = Promise.all(Array.from({ length: 100 }, () => ask('limited', '198.51.100.1')));
    const beside = await Promise.all([
      ...Array.from({ length: 5 }, () => ask('limited', '198.51.100.2')),
      ...Array.from({ length: 50 }, () => ask('other', '198.51.100.1')),
    ]);
    const answers = await all;
    const seconds = (performance.now() - started) / 1000;

    const refused = answers.filter(({ status }) => status === 429);
    const accepted = answers.filter(({ status }) => status === 200);
    expect(accepted.length + refused.length).toBe(100);
    expect(accepted.length).toBeGreaterThanOrEqual(6);
    expect(accepted.length).toBeLessThanOrEqual(6 + Math.ceil(5 * seconds));
    for (const { headers } of refused) expect(valuesOf(headers, 'retry-after')).toEqual(['1']);
    expect(refused[0]!.body).toContain('You have sent too many requests.');
    expect(new Set(beside.map(({ status }) => status))).toEqual(new Set([200]));
  });

  it('states the seconds until it accepts the next request', async () => {
    expect((await ask('slow', '198.51.100.1')).status).toBe(200);
    const refused = await ask('slow', '198.51.100.1');

    expect(refused.status).toBe(429);
    expect(valuesOf(refused.headers, 'retry-after')).toEqual(['9']);
  });

  it('counts each request once, over HTTP, TLS and HTTP/2 together', async () => {
    const tls = { servername: 'four.example.org', alpn: ['http/1.1'] };
    await using h2 = await Http2Client.open({ port: nginx.tlsPort, tls: { servername: 'four.example.org' } });
    const asked = { 'true-client-ip': '198.51.100.1', ':authority': 'four.example.org', ':scheme': 'https' };

    const found = [
      await ask('four', '198.51.100.1'),
      await rawRequest({ port: nginx.tlsPort, tls }, request('four.example.org', '198.51.100.1')),
      await h2.request({ headers: asked }),
      await h2.request({ headers: asked }),
      await h2.request({ headers: asked }),
      await ask('four', '198.51.100.1'),
    ].map(({ status }) => status);

    expect(found).toEqual(firstFour);
  });

  it('counts all spellings of its context root together', async () => {
    const paths = ['/app', '/app/x', '/app/./x', '//app/x', '/%61pp/x', '/app/y'];

    expect(await statuses(6, (n) => ask('paths', '198.51.100.1', { path: paths[n]! }))).toEqual(firstFour);
  });

  it('does not count a request again that it repeats', async () => {
    expect(await statuses(6, () => ask('dead', '198.51.100.1'))).toEqual([502, 502, 502, 502, 429, 429]);
  });

  it('counts bodies that it streams, once', async () => {
    const body = 'x'.repeat(100_000);

    expect(await statuses(6, () => ask('uploads', '198.51.100.1', { body }))).toEqual(firstFour);
  });

  it('refuses gRPC calls with the status UNAVAILABLE', async () => {
    await using h2 = await Http2Client.open({ port: nginx.port });
    const call = () =>
      h2.request({
        headers: {
          ':method': 'POST',
          ':path': '/demo.Echo/Say',
          ':authority': 'calls.example.org',
          'content-type': 'application/grpc',
          te: 'trailers',
          'true-client-ip': '198.51.100.1',
        },
        body: Buffer.from([0, 0, 0, 0, 0]),
      });

    const [dead, refused] = [await call(), await call()];

    expect(valuesOf(dead.headers, 'x-upstream-addr').join()).toContain('127.0.0.1');
    expect(valuesOf(refused.headers, 'x-upstream-addr').join()).not.toContain('127.0.0.1');
    expect(valuesOf([...refused.headers, ...Object.entries(refused.trailers)], 'grpc-status')).toEqual(['14']);
  });

  it('counts its hosts together', async () => {
    const hosts = ['a.both.example.org', 'b.both.example.org'];

    expect(await statuses(6, (n) => ask(hosts[n % 2]!, '198.51.100.1'))).toEqual(firstFour);
  });

  it.each([
    ['198.51.100.1', '198.51.100.2', 200],
    ['2001:db8:1:1::1', '2001:db8:1:1:ffff::2', 429],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2:7:8:9:a', 429],
    ['2001:db8:1:3::1', '2001:db8:1:4::1', 200],
    ['2001:db8::1', '2001:db8::1:2:3:4', 429],
    ['2001:db9::1:2:3:4:5', '2001:db9::1:6:7:8:9', 429],
    ['2001:dba::1:2:3:4:5', '2001:dba::2:2:3:4:5', 200],
    ['::ffff:192.0.2.1', '::ffff:192.0.2.2', 200],
  ])('after a request from %s, answers %s with %i', async (first, second, status) => {
    expect((await ask('networks', first)).status).toBe(200);
    expect((await ask('networks', second)).status).toBe(status);
  });

  it('counts by host', async () => {
    const client = (n: number) => `198.51.100.${n}`;

    expect(await statuses(6, (n) => ask('a.hosts.example.org', client(n)))).toEqual(firstFour);
    expect(await statuses(6, (n) => ask('B.hosts.example.org', client(n)))).toEqual(firstFour);
  });

  it('counts by a header, and all requests without it together', async () => {
    const long = `Bearer ${'eyJhbGciOiJIUzI1NiJ9'.repeat(20)}`;
    for (const key of [['X-Api-Key: a'], [`X-API-KEY: ${long}1`], [`x-api-key: ${long}2`], []])
      expect(await statuses(6, (n) => ask('keys', `198.51.100.${n}`, { headers: key }))).toEqual(firstFour);
    expect((await ask('keys', '198.51.100.1', { headers: ['X-Api-Key:'] })).status).toBe(429);
  });

  it('refuses none on trial', async () => {
    expect(new Set(await statuses(20, () => ask('trial', '198.51.100.1')))).toEqual(new Set([200]));
  });

  it.each([
    ['shut', '198.51.100.1', 503],
    ['denied', '198.51.100.7', 403],
    ['mistyped', '198.51.100.1', 503],
  ])('has no part in answers of the proxy: %s', async (name, address, status) => {
    expect(new Set(await statuses(6, () => ask(name, address)))).toEqual(new Set([status]));
  });

  it('has the limit of the oldest service of a host', async () => {
    expect(await statuses(6, () => ask('shared', '198.51.100.1'))).toEqual(firstFour);
  });
});

describe('a service with a connection limit', () => {
  const refused = async (address: string) => (await ask('one', address)).status === 429;
  const released = (address: string) =>
    eventually(async () => expect((await ask('one', address)).status).toBe(200), {
      timeoutMs: 10_000,
      intervalMs: 50,
    });

  it('counts a WebSocket until it closes', async () => {
    const upgrade = ['Upgrade: websocket', 'Connection: Upgrade', 'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA=='];
    await using socket = await RawConnection.open({ port: nginx.port });
    socket.write(request('one.example.org', '198.51.100.1', { headers: upgrade }));
    expect((await socket.answer()).status).toBe(101);

    const answer = await ask('one', '198.51.100.1');
    expect(answer.status).toBe(429);
    expect(valuesOf(answer.headers, 'retry-after')).toEqual(['1']);
    expect(await refused('198.51.100.2')).toBe(false);

    socket.socket.destroy();
    await released('198.51.100.1');
  });

  it('asks clients to retry soon, even if a slow rate limit applies too', async () => {
    await using upload = await RawConnection.open({ port: nginx.port });
    const address = 'True-Client-IP: 198.51.100.6';
    upload.write(
      head('POST /x HTTP/1.1', 'Host: busy.example.org', address, 'Content-Length: 100000', 'X-Count: busy'),
    );
    const arrived = async () => (await ask('other', '198.51.100.6', { path: '/count?key=busy' })).body;
    await eventually(async () => expect(await arrived()).toContain('"count":1'), {
      timeoutMs: 10_000,
      intervalMs: 50,
    });

    const refused = await ask('busy', '198.51.100.6');

    expect(refused.status).toBe(429);
    expect(valuesOf(refused.headers, 'retry-after')).toEqual(['1']);
  });

  it('counts each stream of HTTP/2', async () => {
    await using h2 = await Http2Client.open({ port: nginx.tlsPort, tls: { servername: 'one.example.org' } });
    const headers = { ':authority': 'one.example.org', ':scheme': 'https', 'true-client-ip': '198.51.100.3' };
    const open = h2.stream({ ...headers, ':path': '/sse' });
    open.end();
    await once(open, 'response');

    expect((await h2.request({ headers })).status).toBe(429);
    expect(await refused('198.51.100.3')).toBe(true);

    open.close();
    await released('198.51.100.3');
  });

  it('counts an upload that it streams, once', async () => {
    await using upload = await RawConnection.open({ port: nginx.port });
    const address = 'True-Client-IP: 198.51.100.4';
    upload.write(head('POST /x HTTP/1.1', 'Host: one.example.org', address, 'Content-Length: 100000', 'X-Count: up'));
    const arrived = async () => (await ask('other', '198.51.100.4', { path: '/count?key=up' })).body;
    await eventually(async () => expect(await arrived()).toContain('"count":1'), {
      timeoutMs: 10_000,
      intervalMs: 50,
    });

    expect(await refused('198.51.100.4')).toBe(true);
    upload.write('x'.repeat(100_000));
    expect((await upload.answer()).status).toBe(200);
    await released('198.51.100.4');
  });

  it('does not count a connection without a request', async () => {
    await using idle = await RawConnection.open({ port: nginx.port });
    idle.write(request('one.example.org', '198.51.100.5'));
    expect((await idle.answer()).status).toBe(200);

    expect(await refused('198.51.100.5')).toBe(false);
  });
});
