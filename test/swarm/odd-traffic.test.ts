// Unusual traffic on the real swarm: one client or application must not affect others.
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type IncomingMessage, request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { connect as connectTls } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findEngine } from '../../bed/engine.ts';
import { eventually, throughout } from '../support/eventually.ts';
import {
  bed,
  curl,
  defaultSettings,
  demo,
  problemsOf,
  proxyIdentity,
  published,
  removeStack,
  settled,
  state,
} from '../support/interlock.ts';
import { Load } from '../support/load.ts';
import { makeCertificate } from '../support/material.ts';
import { arrived, toArrived } from '../support/odd-nginx.ts';
import { MemoryWatch, memoryOf } from '../support/proxy-memory.ts';
import { Http2Client, head, RawConnection, rawRequest, readStream, valuesOf } from '../support/raw-request.ts';
import { applySettings, restoreSettings } from '../support/story.ts';
import { connect as connectSocket } from '../support/websocket.ts';

const megabyte = 1_000_000;
/** Size of each large transfer: more than a proxy's memory. 5 GB take about two minutes. */
const transferBytes = Number(process.env.ODD_TRANSFER_GB ?? 0.4) * 1000 * megabyte;
/** Memory that clients may add to a proxy. */
const memoryBound = 100 * megabyte;

/** Certificates as users bring them: a secret and its host. */
const shapes = {
  joined: 'joined.odd.local',
  both: 'both.odd.local',
  before: 'before.odd.local',
  after: 'after.odd.local',
  many: 'many140.odd.local',
  address: 'address.odd.local',
  garbage: 'garbage.odd.local',
} as const;

let folder: string;
const file = (name: string) => join(folder, name);
const read = (name: string) => readFileSync(file(name), 'utf8');

async function makeMaterial(): Promise<void> {
  await makeCertificate(folder, 'ca', { names: ['ca'] });
  await makeCertificate(folder, 'site', { names: ['open.odd.local', 'locked.odd.local'] });
  await writeFile(file('site'), read('site.crt') + read('site.key'));
  const many = Array.from({ length: 150 }, (_, n) => `many${n + 1}.odd.local`);
  for (const [name, host] of Object.entries(shapes)) {
    const names = { many, address: ['10.20.30.40', '2001:db8::7', host] }[name] ?? [host];
    await makeCertificate(folder, name, { names, issuer: 'ca' });
  }
  const [crt, key, ca] = [
    (name: string) => read(`${name}.crt`),
    (name: string) => read(`${name}.key`),
    read('ca.crt'),
  ] as const;
  const written = {
    joined: `${crt('joined').trimEnd()}${ca}${key('joined')}`,
    both: `${crt('both').trimEnd()}${key('both')}`,
    before: `cert: ${crt('before')}${ca}${key('before')}`,
    after: `${crt('after')}the end of the certificate\n${key('after')}and of the key\n`,
    many: crt('many') + ca + key('many'),
    address: crt('address') + ca + key('address'),
    garbage: 'no certificate at all\n',
  };
  for (const [name, content] of Object.entries(written)) await writeFile(file(name), content);
}

/** Labels of one of a service's routes. */
const route = (n: number, host: string, port: number, more: Readonly<Record<string, string>> = {}) =>
  Object.fromEntries(
    Object.entries({ hosts: host, port, ...more }).map(([key, value]) => [`com.docker.lb.${n}.${key}`, String(value)]),
  );

function compose(): string {
  const odd = (labels: object, more: object = {}, deploy: object = {}) => ({
    image: demo,
    entrypoint: ['node', '/odd-app.mjs'],
    healthcheck: { disable: true },
    configs: [{ source: 'app', target: '/odd-app.mjs' }],
    networks: ['front'],
    deploy: { labels, ...deploy },
    ...more,
  });
  const shaped = Object.entries(shapes).map(([name, host], n) => route(n + 1, host, 8080, { ssl_cert: name }));
  const secrets = ['site', 'ca', ...Object.keys(shapes)];
  return JSON.stringify({
    services: {
      app: odd({
        ...route(1, 'odd.local', 8080),
        ...route(2, 'rewritten.odd.local', 8080, { context_root: '/app', context_root_rewrite: 'true' }),
        ...route(3, 'only.odd.local', 8080, { ssl_only: 'true' }),
        ...route(4, 'shut.odd.local', 8080, { maintenance: 'true', maintenance_allow: '203.0.113.9' }),
        ...route(5, 'open.odd.local', 8080, { ssl_cert: 'site' }),
        ...route(6, 'locked.odd.local', 8080, { ssl_cert: 'site', ssl_client_ca: 'ca' }),
      }),
      two: odd(route(1, 'two.odd.local', 8080), {}, { replicas: 2 }),
      demo: {
        image: demo,
        networks: ['front'],
        deploy: {
          labels: {
            ...route(1, 'demo.odd.local', 8080),
            ...route(2, 'calls.odd.local', 8081, { backend_protocol: 'grpc' }),
            ...route(3, 'dead-calls.odd.local', 8099, { backend_protocol: 'grpc' }),
          },
        },
      },
      shapes: odd(Object.assign({}, ...shaped)),
      // A client with another address than the test.
      client: odd({}, {}, { placement: { constraints: ['node.role == manager'] } }),
    },
    configs: { app: { file: new URL('../support/odd-app.mjs', import.meta.url).pathname } },
    secrets: Object.fromEntries(secrets.map((name) => [name, { file: file(name === 'ca' ? 'ca.crt' : name) }])),
    networks: { front: { driver: 'overlay' } },
  });
}

const http = () => bed.node('worker1').address(8080);
const https = (servername: string) => ({ ...bed.node('worker1').address(8443), tls: { servername } });
const ask = (host: string, target = '/', ...headers: readonly string[]) =>
  rawRequest(http(), head(`GET ${target} HTTP/1.1`, `Host: ${host}`, ...headers));

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'odd-'));
  await makeMaterial();
  await bed.deploy('odd', compose());
  await published('odd.local', 'two.odd.local', 'demo.odd.local', { host: 'open.odd.local', tls: true, path: '/' });
}, 300_000);

afterAll(async () => {
  await removeStack('odd');
  await settled();
  await rm(folder, { recursive: true, force: true });
}, 300_000);

/** The first bytes of a gRPC message, and its bytes. */
function message(bytes: number): Buffer {
  const whole = Buffer.alloc(5 + bytes, 'x');
  whole.writeUInt8(0);
  whole.writeUInt32BE(bytes, 1);
  return whole;
}

const call = (host: string, path = '/demo.Echo/Say') => ({
  ':method': 'POST',
  ':path': path,
  ':authority': host,
  'content-type': 'application/grpc',
  te: 'trailers',
});

describe('4: a request that an application drops, or answers in an invalid way', () => {
  const kinds = ['status-line', 'nul-in-header', 'no-colon', 'two-lengths', 'bad-length', 'bad-chunk', 'big-header'];
  const targets = ['/drop', '/drop?after=10', ...kinds.map((kind) => `/invalid?kind=${kind}`)];

  it('fails alone: all other clients are answered', async () => {
    await using load = new Load({ host: 'two.odd.local', requestsPerSecond: 100 });
    await eventually(() => expect(load.report.total).toBeGreaterThan(20));

    for (const target of targets)
      for (const method of ['GET', 'POST']) {
        const bytes = head(`${method} ${target} HTTP/1.1`, 'Host: two.odd.local', 'Content-Length: 0');
        const before = load.report.total;
        await rawRequest(http(), bytes).catch(() => undefined);
        await eventually(() => expect(load.report.total).toBeGreaterThan(before + 10), { intervalMs: 20 });
      }

    expect((await load.stop()).failures).toEqual({});
  });

  it('reaches an application once if its method is not idempotent', async () => {
    const key = `key-${Date.now()}`;
    const dropped = head('POST /drop HTTP/1.1', 'Host: two.odd.local', 'Content-Length: 0', `X-Count: ${key}`);

    expect((await rawRequest(http(), dropped)).status).toBe(502);

    const counts = new Map<string, number>();
    await eventually(async () => {
      const { instance, count } = JSON.parse((await ask('two.odd.local', `/count?key=${key}`)).body);
      counts.set(instance, count);
      expect(counts.size).toBe(2);
    });
    expect([...counts.values()].toSorted()).toEqual([0, 1]);
  });
});

describe('7: an upgrade', () => {
  const h2c = ['Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c', 'HTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA'];

  it('to h2c is not forwarded, and opens no tunnel', async () => {
    await using client = await RawConnection.open(http());
    client.write(head('GET /app/x HTTP/1.1', 'Host: rewritten.odd.local', ...h2c));
    client.write(head('GET /outside HTTP/1.1', 'Host: rewritten.odd.local'));

    const first = arrived(await client.answer());
    expect([first.url, first.header('upgrade'), first.header('http2-settings')]).toEqual(['/x', undefined, undefined]);
    expect((await client.answer()).status).toBe(404);
  });

  it('to websocket is forwarded, in a list as well', async () => {
    await using client = await RawConnection.open(http());
    const upgrade = ['Connection: keep-alive, Upgrade', 'Upgrade: h2c, WebSocket'];
    client.write(head('GET /app/x HTTP/1.1', 'Host: rewritten.odd.local', ...upgrade));

    expect((await client.answer()).status).toBe(101);
    const report = toArrived(JSON.parse(await client.until(/.*\n/)));
    expect([report.url, report.header('upgrade')]).toEqual(['/x', 'websocket']);
    await using socket = await connectSocket('demo.odd.local', '/deep/ws');
    expect(await socket.exchange('hello')).toBe('hello');
  });
});

describe('8: the routed host', () => {
  it.each([
    [
      'an absolute target with another Host',
      head('GET http://ODD.local:81/x HTTP/1.1', 'Host: other.local'),
      'odd.local:81',
    ],
    ['HTTP/1.0 with an absolute target', head('GET http://odd.local/x HTTP/1.0'), 'odd.local'],
    ['upper case, a trailing dot and a port', head('GET /x HTTP/1.1', 'Host: Odd.LOCAL.:8080'), 'odd.local:8080'],
  ])('reaches the application: %s', async (_, bytes, host) => {
    const { url, header } = arrived(await rawRequest(http(), bytes));

    expect([url, header('host'), header('x-forwarded-host')]).toEqual(['/x', host, host]);
    expect(header('x-forwarded-port')).toBe(host.split(':')[1] ?? '80');
  });

  it.each([
    ['GET https://locked.odd.local/ HTTP/1.1', 'Host: open.odd.local'],
    ['GET https://locked.odd.local/ HTTP/1.1', 'Host: locked.odd.local'],
    ['GET https://locked.odd.local/ HTTP/1.0', 'X-Nothing: 1'],
    ['GET / HTTP/1.1', 'Host: locked.odd.local'],
  ])('is not reached without its client certificate: %s, %s', async (line, header) => {
    expect((await rawRequest(https('open.odd.local'), head(line, header))).status).toBe(421);
  });

  it('is that of the target over TLS as well, whatever Host says', async () => {
    const bytes = head('GET https://open.odd.local/x HTTP/1.1', 'Host: locked.odd.local');

    const { header } = arrived(await rawRequest(https('open.odd.local'), bytes));

    expect([header('host'), header('x-forwarded-host')]).toEqual(['open.odd.local', 'open.odd.local']);
  });
});

describe('15: gRPC', () => {
  it('carries a client stream of 50 × 1 MB', async () => {
    await using h2 = await Http2Client.open(http());
    const stream = h2.stream(call('calls.odd.local'));
    const answer = readStream(stream, 60_000);

    const messages = Array.from({ length: 50 }, () => message(megabyte));
    await pipeline(Readable.from(messages, { objectMode: false }), stream).catch(() => undefined);

    const { status, trailers, body, reset } = await answer;
    expect({ status, reset, trailers, length: body.length }).toEqual({
      status: 200,
      reset: undefined,
      trailers: expect.objectContaining({ 'grpc-status': '0' }),
      length: 50 * (megabyte + 5),
    });
  });

  it('keeps a stream that is idle for more than a minute', async () => {
    await using h2 = await Http2Client.open(http());
    const stream = h2.stream(call('calls.odd.local'));
    const answer = readStream(stream, 90_000);
    let received = 0;
    stream.on('data', (chunk: Buffer) => {
      received += chunk.length;
    });
    stream.write(message(10));
    await eventually(() => expect(received).toBe(15));

    await throughout(63_000, () => expect(stream.closed, 'the stream is closed').toBe(false));

    stream.end(message(10));
    expect(await answer).toMatchObject({ status: 200, reset: undefined, trailers: { 'grpc-status': '0' } });
    expect(received).toBe(30);
  });

  it.each`
    host                      | path                 | expected
    ${'dead-calls.odd.local'} | ${'/demo.Echo/Say'}  | ${'14'}
    ${'calls.odd.local'}      | ${'/demo.Echo/None'} | ${'12'}
  `('reports errors as gRPC status: $host $path', async ({ host, path, expected }) => {
    await using h2 = await Http2Client.open(http());

    const { status, headers, trailers } = await h2.request({ headers: call(host, path), body: message(1) });

    expect(status).toBe(200);
    expect(valuesOf([...headers, ...Object.entries(trailers)], 'grpc-status')).toEqual([expected]);
  });
});

describe('16: a certificate as users bring it', () => {
  it.each(Object.entries(shapes))('serves its host, or a problem names the secret: %s', async (name, host) => {
    await eventually(
      async () => {
        const problems = (await problemsOf('odd_shapes')).filter(({ severity }) => severity === 'error');
        const named = problems.filter((problem) => new RegExp(`\\b(odd_)?${name}\\b`).test(JSON.stringify(problem)));
        expect([await handshakes(host), named.length > 0], JSON.stringify(named)).toSatisfy(
          ([works, isProblem]: [boolean, boolean]) => works !== isProblem,
        );
      },
      { timeoutMs: 15_000 },
    );
  });

  it.each(['after', 'many', 'address'] as const)('is accepted: %s', async (name) => {
    expect(await handshakes(shapes[name])).toBe(true);
  });

  it('is rejected if it is no certificate', async () => {
    expect(await handshakes(shapes.garbage)).toBe(false);
  });

  function handshakes(servername: string): Promise<boolean> {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const socket = connectTls({ ...bed.node('worker1').address(8443), servername, rejectUnauthorized: false });
    socket.once('secureConnect', () => resolve(true));
    socket.once('error', () => resolve(false));
    return promise.finally(() => socket.destroy());
  }
});

describe('6: a proxy with 256 MB of memory', () => {
  beforeAll(async () => {
    await applySettings(`${defaultSettings.trimEnd()}\n[Extensions.default.Config]\nClientMaxBodySize = "6g"\n`);
    await settled();
    await limitMemory('256M');
    expect((await memoryOf(bed)).limit).toBe(256 * 2 ** 20);
    await published('odd.local');
  });
  afterAll(async () => {
    await limitMemory('16G');
  });

  async function limitMemory(limit: string): Promise<void> {
    await bed.docker(
      'service',
      'update',
      '--detach',
      '--quiet',
      '--no-resolve-image',
      '--limit-memory',
      limit,
      'signalbox-proxy',
    );
    await eventually(async () => {
      const service = await bed.manager.docker.getService('signalbox-proxy').inspect();
      expect(service.UpdateStatus?.State).toBe('completed');
    });
    await settled();
  }

  /** Runs `act` and checks that memory stays within the bound, no proxy restarts, and other requests are answered. */
  async function bounded(what: string, act: () => Promise<void>): Promise<void> {
    const tasks = await proxyIdentity();
    const before = (await memoryOf(bed)).used;
    await using memory = new MemoryWatch(bed);
    await using load = new Load({ host: 'odd.local', requestsPerSecond: 10, clients: 2 });

    await act();

    const added = memory.peak - before;
    console.log(
      `${what}: memory of a proxy ${Math.round(before / megabyte)} MB and ${Math.round(added / megabyte)} MB more`,
    );
    expect((await load.stop()).failures).toEqual({});
    expect(await proxyIdentity()).toEqual(tasks);
    expect(added).toBeLessThan(memoryBound);
  }

  function* blocks(): Generator<Buffer> {
    const block = Buffer.alloc(256 * 1024, 'x');
    for (let sent = 0; sent < transferBytes; sent += block.length) yield block;
  }

  it('streams an upload that is larger than its memory', async () => {
    await bounded('upload', async () => {
      const outgoing = request({
        ...http(),
        method: 'POST',
        path: '/upload',
        headers: { host: 'odd.local' },
        agent: false,
      });
      const answered = once(outgoing, 'response');
      let sent = 0;
      const counted = Readable.from(blocks(), { objectMode: false });
      counted.on('data', (chunk: Buffer) => {
        sent += chunk.length;
      });
      await pipeline(counted, outgoing);
      const [response] = (await answered) as [IncomingMessage];
      expect(response.statusCode).toBe(200);
      expect(JSON.parse(await text(response)).length).toBe(sent);
      console.log(`uploaded ${Math.round(sent / megabyte)} MB`);
      expect(sent).toBeGreaterThanOrEqual(transferBytes);
    });
  });

  it('streams a download that is larger than its memory', async () => {
    await bounded('download', async () => {
      const path = `/download?bytes=${transferBytes}`;
      const outgoing = request({ ...http(), path, headers: { host: 'odd.local' }, agent: false }).end();
      const [response] = (await once(outgoing, 'response')) as [IncomingMessage];
      let received = 0;
      for await (const chunk of response as AsyncIterable<Buffer>) received += chunk.length;
      console.log(`downloaded ${Math.round(received / megabyte)} MB`);
      expect(received).toBe(transferBytes);
    });
  });

  it('has bounded memory with 8 clients that do not read their 200 MB', async () => {
    await using clients = await openSockets(8);
    await bounded('slow readers', async () => {
      for (const socket of clients.sockets)
        socket.write(head(`GET /download?bytes=${200 * megabyte} HTTP/1.1`, 'Host: odd.local'));
      await throughout(8000, () => expect(clients.sockets.some(({ destroyed }) => destroyed)).toBe(false));
    });
  });

  it('has bounded memory with 8 unfinished uploads of 31 MB', async () => {
    await using clients = await openSockets(8);
    await bounded('unfinished uploads', async () => {
      const sent = clients.sockets.map(async (socket) => {
        socket.on('data', () => {});
        socket.write(head('POST /upload HTTP/1.1', 'Host: odd.local', `Content-Length: ${31 * megabyte}`));
        for (let n = 0; n < 30 && !socket.destroyed; n++)
          if (!socket.write(Buffer.alloc(megabyte))) await Promise.race([once(socket, 'drain'), once(socket, 'close')]);
      });
      await Promise.all(sent);
      await throughout(3000, async () => expect((await curl('odd.local')).status).toBe(200));
    });
  });

  /** Connections that are closed at the end; the proxy may close them earlier. */
  async function openSockets(count: number) {
    const sockets = Array.from({ length: count }, (): Socket => connect(http()).on('error', () => {}));
    await Promise.all(sockets.map((socket) => once(socket, 'connect')));
    return {
      sockets,
      async [Symbol.asyncDispose](): Promise<void> {
        for (const socket of sockets) socket.destroy();
      },
    };
  }
});

describe('12: a trusted balancer in front', () => {
  /** The test's own address, as the nodes see it. */
  let balancer: string;
  const forwarded = ['X-Forwarded-For: 198.51.100.1, 203.0.113.9', 'X-Forwarded-Proto: https'];

  beforeAll(async () => {
    const engine = (await findEngine())!;
    const { NetworkSettings } = await engine.docker.getContainer(bed.node('worker1').containerId).inspect();
    balancer = Object.values(NetworkSettings.Networks)[0]!.Gateway;
    const keys = [`TrustedProxies = ["${balancer}"]`, 'PublicSSLPort = 443', ''].join('\n');
    // The mesh hides the addresses of clients.
    await applySettings(`${defaultSettings.replace('"ingress"', '"host"').trimEnd()}\n${keys}`);
    await settled();
    expect((await state()).problems.filter(({ service }) => service === undefined)).toEqual([]);
    await published('odd.local');
  });
  afterAll(restoreSettings);

  /** Sends a request from a container on the manager, whose address is not trusted. */
  async function askFromElsewhere(host: string, ...headers: readonly string[]) {
    const bytes = head('GET / HTTP/1.1', `Host: ${host}`, 'Connection: close', ...headers);
    const script = `const socket = require('net').connect(8080, '${bed.node('worker1').ip}');
      socket.write(Buffer.from('${Buffer.from(bytes).toString('base64')}', 'base64'));
      socket.pipe(process.stdout);`;
    const answer = await bed.exec('odd_client', 'node', '-e', script);
    return {
      status: Number(answer.split(' ')[1]),
      body: answer.slice(answer.indexOf('\r\n\r\n') + 4).replace(/^[0-9a-f]+\r\n|\r\n0\r\n\r\n$/g, ''),
    };
  }

  it('sets address, scheme and port of the client', async () => {
    const { header } = arrived(await ask('odd.local', '/', ...forwarded));

    expect(['x-real-ip', 'x-forwarded-for', 'x-forwarded-proto', 'x-forwarded-port'].map(header)).toEqual([
      '203.0.113.9',
      '203.0.113.9',
      'https',
      '443',
    ]);
    expect(arrived(await ask('odd.local')).header('x-real-ip')).toBe(balancer);
  });

  it('sets the scheme that ssl_only checks', async () => {
    expect((await ask('only.odd.local', '/', ...forwarded)).status).toBe(200);
    const redirected = await ask('only.odd.local', '/a?b');
    expect(redirected.status).toBe(301);
    expect(valuesOf(redirected.headers, 'location')).toEqual(['https://only.odd.local/a?b']);
  });

  it('sets the address that allow lists check', async () => {
    expect((await ask('shut.odd.local', '/', ...forwarded)).status).toBe(200);
    expect((await ask('shut.odd.local')).status).toBe(503);
  });

  it('is trusted by its address only', async () => {
    expect((await askFromElsewhere('only.odd.local', ...forwarded)).status).toBe(301);
    expect((await askFromElsewhere('shut.odd.local', ...forwarded)).status).toBe(503);
    const { header } = arrived(await askFromElsewhere('odd.local', ...forwarded));
    expect(header('x-real-ip')).toMatch(/^\d+\.\d+\.\d+\.\d+$/);
    expect([balancer, '203.0.113.9']).not.toContain(header('x-real-ip'));
    expect(['x-forwarded-for', 'x-forwarded-proto'].map(header)).toEqual([header('x-real-ip'), 'http']);
  });
});
