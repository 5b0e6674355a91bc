// TCP and UDP ports in the proxies' nginx: plain, with TLS that ends in the proxies or in the service, with PROXY
// protocol, and with lists of addresses.
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildDesiredState } from '../../src/model/desired-state.ts';
import { toRenderInput } from '../../src/model/render-input.ts';
import { parseSettings } from '../../src/model/settings/settings.ts';
import type { SwarmService } from '../../src/model/snapshot.ts';
import type { StreamRoute } from '../../src/model/streams/stream-route.ts';
import { RequestCounts } from '../../src/proxy/metrics/request-counts.ts';
import { connectionLogConfiguration } from '../../src/proxy/nginx/request-log.ts';
import { aNetwork, aService } from '../support/builders.ts';
import { eventually } from '../support/eventually.ts';
import { render } from '../support/golden.ts';
import { makeCertificate } from '../support/material.ts';
import { containerPort, containerTlsPort, NginxContainer } from '../support/nginx-container.ts';

const [ONE, TWO, OWN, UDP] = ['7001', '7002', '7003', '7004'] as const;

/** A service with TCP or UDP labels only. */
function aStream(name: string, lb: Readonly<Record<string, string>>): SwarmService {
  return aService(name, { labels: { 'com.docker.lb.hosts': lb.hosts ?? '' }, lb, port: lb.port! });
}

function configure(services: readonly SwarmService[], more: Readonly<Record<string, unknown>> = {}): string {
  const ports = { TargetPort: containerPort, TargetSSLPort: containerTlsPort, PublishMode: 'host' };
  const offered = { TcpPorts: [5001, 5002, 5003, 5004, 5005, 5006], UdpPorts: [5001, 5002] };
  const { settings, problems } = parseSettings({ Extensions: { default: { ...ports, ...offered, ...more } } }, '1');
  expect(problems).toEqual([]);
  const secrets = ['a.pem', 'b.pem', 'garbage'].map((name) => ({ id: name, name, createdAt: '', labels: {} }));
  const nothing = { nodes: [], hostTasks: [], configs: [], owned: [] };
  const snapshot = { services, networks: [aNetwork('app')], secrets, ...nothing };
  const input = toRenderInput(buildDesiredState(snapshot, settings).clusters[0]!);
  return render({ ...input, streams: input.streams.map(onLoopback) }).files[0]!.text;
}

/** Nobody listens at the second address. */
function onLoopback(route: StreamRoute): StreamRoute {
  if (route.backend.kind === 'unavailable') return route;
  const port = route.backend.peers[0]!.port;
  const addresses = route.service.name.startsWith('partly') ? ['127.0.0.1', '127.0.0.9'] : ['127.0.0.1'];
  const peers = addresses.map((address) => ({ address, port, resolve: false }));
  return { ...route, backend: { kind: 'peers', peers } };
}

let folder: string;
let nginx: NginxContainer;
let address: string;

async function start(configuration: string): Promise<void> {
  nginx = await NginxContainer.start();
  const read = (name: string) => readFile(join(folder, name), 'utf8');
  const pair = async (name: string) => (await read(`${name}.crt`)) + (await read(`${name}.key`));
  await nginx.write('/run/secrets', { 'a.pem': await pair('a'), 'b.pem': await pair('b'), garbage: 'nothing\n' });
  await nginx.write('/tmp', {
    'own.key': await read('own.key'),
    'own.crt': await read('own.crt'),
    'peer.mjs': await readFile(new URL('../support/stream-peer.mjs', import.meta.url)),
  });
  await nginx.startBeside('node', '/tmp/peer.mjs');
  await nginx.serve(configuration);
  address = await nginx.address();
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'streams-'));
  for (const name of ['a', 'b', 'own']) await makeCertificate(folder, name, { names: [`${name}.example.org`] });
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** What a connection receives for a text: '' if it is closed or refused. */
async function say(socket: Socket, text = 'hello'): Promise<string> {
  socket.setTimeout(10_000, () => socket.destroy(new Error('no answer in 10 s')));
  const ended = Promise.withResolvers<string>();
  socket.on('data', (chunk) => ended.resolve(String(chunk)));
  socket.on('error', (error) => (/no answer/.test(error.message) ? ended.reject(error) : ended.resolve('')));
  socket.on('close', () => ended.resolve(''));
  socket.write(text);
  return ended.promise;
}

async function over(socket: Socket, text?: string): Promise<string> {
  try {
    return await say(socket, text);
  } finally {
    socket.destroy();
  }
}

const plain = (port: number) => connect({ host: address, port });
const tls = (port: number, servername?: string, more: object = {}) =>
  connectTls({ host: address, port, rejectUnauthorized: false, ...(servername ? { servername } : {}), ...more });

async function certificateAt(port: number, servername?: string): Promise<string> {
  const socket = tls(port, servername);
  const name = Promise.withResolvers<string>();
  socket.on('secureConnect', () => name.resolve(String(socket.getPeerCertificate().subject.CN)));
  socket.on('error', ({ message }) => name.resolve(message));
  return name.promise.finally(() => socket.destroy());
}

describe('TCP', () => {
  const services = [
    aStream('one', { tcp_port: '5001', port: ONE }),
    aStream('partly', { tcp_port: '5002', port: TWO }),
    { ...aStream('none', { tcp_port: '5003', port: ONE }), mode: { kind: 'replicated', replicas: 0 } as const },
    aStream('told', { tcp_port: '5004', port: ONE, tcp_proxy_protocol: 'true' }),
    aStream('idle', { tcp_port: '5005', port: ONE, read_timeout: '1s' }),
    aStream('dead', { tcp_port: '5006', port: '7999' }),
  ];
  beforeAll(async () => {
    await start(configure(services));
    return () => nginx[Symbol.asyncDispose]();
  });

  it('reaches the service of the port, and skips tasks that refuse connections', async () => {
    expect(await over(plain(5001))).toBe('one hello');
    for (let n = 0; n < 10; n++) expect(await over(plain(5002))).toBe('two hello');
  });

  it('refuses connections to a service without tasks, and closes those to a task that does not listen', async () => {
    const socket = plain(5003);
    await expect(once(socket, 'connect')).rejects.toThrow('ECONNREFUSED');
    expect(await over(plain(5006))).toBe('');
  });

  it("passes the client's address with the PROXY protocol", async () => {
    // The service answers header and data on their own if they arrive so.
    expect(await over(plain(5004))).toMatch(/^one PROXY TCP4 [0-9.]+ [0-9.]+ \d+ 5004\r\n(?:one )?hello$/);
  });

  it('closes connections that are idle for too long', async () => {
    const socket = plain(5005);
    expect(await say(socket)).toBe('one hello');
    await once(socket, 'close');
  });

  it('keeps open connections when routes change', async () => {
    const socket = plain(5001);
    expect(await say(socket)).toBe('one hello');
    await nginx.reload(configure([...services.slice(1), aStream('one', { tcp_port: '5001', port: TWO })]));
    await eventually(async () => expect(await over(plain(5001))).toBe('two hello'), { timeoutMs: 10_000 });

    socket.removeAllListeners('data');
    expect(await say(socket, 'again')).toBe('one again');
    socket.destroy();
  });

  it('is counted by port, service and task, with failures and bytes', async () => {
    const { format, log } = connectionLogConfiguration('/tmp/requests.log');
    await nginx.write('/tmp/signalbox', { 'connections.conf': format, 'connection-log.conf': log });
    await nginx.reload(configure(services));
    const counts = new RequestCounts();
    // Old workers log nothing for the agent.
    await eventually(
      async () => {
        for (const at of [5001, 5002]) await over(plain(at));
        await over(plain(5006));
        const found = new RequestCounts();
        found.take(await nginx.read('/tmp/requests.log'));
        const ports = new Set([...found.connections()].map(({ host, class: of }) => `${host} ${of}`));
        expect([...ports].toSorted()).toEqual(['tcp/5001 2xx', 'tcp/5002 2xx', 'tcp/5006 5xx']);
      },
      { timeoutMs: 15_000, intervalMs: 300 },
    );
    counts.take(await nginx.read('/tmp/requests.log'));
    expect(counts.lost).toBe(0);
    const rows = counts.takeRows();
    const one = rows.find(({ host }) => host === 'tcp/5001')!;
    const connections = one.classes[2]!;
    expect(one).toMatchObject({
      path: 'one',
      address: '127.0.0.1:7001',
      received: 5 * connections,
      sent: 9 * connections,
    });
    expect(rows.find(({ host }) => host === 'tcp/5002')).toMatchObject({ path: 'partly', address: '127.0.0.1:7002' });
    expect(rows.find(({ host }) => host === 'tcp/5006')).toMatchObject({ path: 'dead', sent: 0 });
  });

  it('writes a line for each connection to the access log', async () => {
    const log = configure(services, { Config: { AccessLogPath: '/tmp/access.log' } });
    await nginx.reload(log);
    await eventually(
      async () => {
        await over(plain(5001));
        expect(await nginx.read('/tmp/access.log')).toMatch(/^[\d.]+ - - \[.+\] "tcp\/5001 -> one" 200 9 received=5 /m);
      },
      { timeoutMs: 10_000 },
    );
  });
});

async function exchange(port: number, texts: readonly string[]): Promise<string[]> {
  const socket = createSocket('udp4');
  const answers: string[] = [];
  try {
    for (const text of texts) {
      const answer = once(socket, 'message', { signal: AbortSignal.timeout(10_000) });
      socket.send(text, port, address);
      answers.push(String((await answer)[0]));
    }
  } finally {
    socket.close();
  }
  return answers;
}

describe('UDP', () => {
  const services = [
    aStream('one', { udp_port: '5001', port: UDP, udp_responses: '1' }),
    aStream('partly', { udp_port: '5002', port: UDP }),
    aStream('tcp', { tcp_port: '5001', port: ONE }),
  ];
  beforeAll(async () => {
    await start(configure(services));
    return () => nginx[Symbol.asyncDispose]();
  });

  it('reaches the service, beside TCP on the same port', async () => {
    expect(await exchange(5001, ['query'])).toEqual([expect.stringMatching(/^\d+ query$/)]);
    expect(await over(plain(5001))).toBe('one hello');
  });

  it('forgets the client after the number of responses', async () => {
    const [first, second] = (await exchange(5001, ['a', 'b'])).map((answer) => answer.split(' ')[0]);
    expect(first).not.toBe(second);
  });

  it('sends datagrams of one client from the same address', async () => {
    const ports = (await exchange(5002, ['a', 'b', 'c', 'd'])).map((answer) => answer.split(' ')[0]);
    expect(new Set(ports).size).toBe(1);
  });
});

describe('the Gateway API: which service a port leads to', () => {
  const groups = (values: Readonly<Record<string, string>>) =>
    Object.fromEntries(Object.entries(values).map(([name, value]) => [`com.docker.lb.${name}`, value]));
  const services = [
    aStream('tcp-v1', { tcp_port: '5001', port: ONE }),
    aStream('tcp-v2', { tcp_port: '5002', port: TWO }),
    aStream('udp-v1', { udp_port: '5001', port: UDP }),
    {
      ...aStream('every', { port: TWO }),
      labels: groups({
        '1.tcp_port': '5003',
        '1.port': TWO,
        '2.tcp_port': '5004',
        '2.port': TWO,
        '3.udp_port': '5002',
        '3.port': UDP,
      }),
    },
    { ...aStream('newer', { tcp_port: '5001', port: TWO }), createdAt: '2027-01-01T00:00:00Z' },
  ];
  beforeAll(async () => {
    await start(configure(services));
    return () => nginx[Symbol.asyncDispose]();
  });

  // What a route attaches to there is a port here. Two routes on a port are a conflict: the older one stays.
  it.each([
    ['TCPRouteParentRefPortAndSectionName', 5001, 'one hello'],
    ['TCPRouteParentRefPortAndSectionName', 5002, 'two hello'],
    ['TCPRouteParentRefAttachAll', 5003, 'two hello'],
    ['TCPRouteParentRefAttachAll', 5004, 'two hello'],
    ['a listener without a route', 5005, ''],
  ])('%s: TCP port %i', async (_, port, answer) => {
    for (let times = 0; times < 3; times++) expect(await over(plain(port))).toBe(answer);
  });

  it.each([
    ['UDPRoute', 5001],
    ['UDPRouteParentRefPortAndSectionName', 5002],
  ])('%s: UDP port %i', async (_, port) => {
    expect(await exchange(port, ['query'])).toEqual([expect.stringMatching(/^\d+ query$/)]);
  });
});

describe('TLS that ends in the proxies', () => {
  const services = [
    aStream('a', { tcp_port: '5001', port: ONE, tcp_tls: 'a.pem', hosts: 'a.example.org', tcp_alpn: 'postgresql' }),
    aStream('b', { tcp_port: '5001', port: TWO, tcp_tls: 'b.pem', hosts: 'b.example.org, *.b.example.org' }),
    aStream('broken', { tcp_port: '5001', port: TWO, tcp_tls: 'garbage', hosts: 'broken.example.org' }),
    aStream('missing', { tcp_port: '5001', port: TWO, tcp_tls: 'missing', hosts: 'x.b.example.org' }),
    aStream('denied', {
      tcp_port: '5001',
      port: ONE,
      tcp_tls: 'a.pem',
      hosts: 'denied.example.org',
      deny: '0.0.0.0/0',
    }),
    aStream('told', {
      ...{ tcp_port: '5001', port: ONE, tcp_tls: 'a.pem', hosts: 'told.example.org', tcp_proxy_protocol: 'true' },
    }),
    aStream('checked', {
      tcp_port: '5004',
      port: ONE,
      tcp_tls: 'a.pem',
      tcp_proxy_protocol: 'true',
      deny: '192.0.2.1',
    }),
    aStream('alone', { tcp_port: '5002', port: TWO, tcp_tls: 'b.pem' }),
    aStream('fallback', { tcp_port: '5003', port: TWO, tcp_tls: 'b.pem', allow: '192.0.2.0/24' }),
    aStream('beside', { tcp_port: '5003', port: ONE, tcp_tls: 'a.pem', hosts: 'a.example.org' }),
  ];
  beforeAll(async () => {
    await start(configure(services));
    return () => nginx[Symbol.asyncDispose]();
  });

  it.each([
    ['a.example.org', 'a.example.org', 'one hello'],
    ['b.example.org', 'b.example.org', 'two hello'],
    ['y.b.example.org', 'b.example.org', 'two hello'],
  ])('selects certificate and service by name: %s', async (name, certificate, answer) => {
    expect(await certificateAt(5001, name)).toBe(certificate);
    expect(await over(tls(5001, name))).toBe(answer);
  });

  it.each(['broken.example.org', 'x.b.example.org', 'nobody.example.org', undefined])(
    'rejects only the handshakes of %s',
    async (name) => {
      expect(await over(tls(5001, name))).toBe('');
      expect(await over(tls(5001, 'a.example.org'))).toBe('one hello');
    },
  );

  it('needs no name on a port of one service', async () => {
    expect(await over(tls(5002))).toBe('two hello');
    expect(await over(tls(5002, 'any.example.org'))).toBe('two hello');
  });

  it('negotiates the protocols of the label', async () => {
    const socket = tls(5001, 'a.example.org', { ALPNProtocols: ['postgresql'] });
    await once(socket, 'secureConnect');
    expect(socket.alpnProtocol).toBe('postgresql');
    socket.destroy();
    expect(await over(tls(5001, 'a.example.org', { ALPNProtocols: ['http/1.1'] }))).toBe('');
  });

  it('checks the address for the named service only', async () => {
    expect(await over(tls(5001, 'denied.example.org'))).toBe('');
    expect(await over(tls(5003, 'other.example.org'))).toBe('');
    expect(await over(tls(5003, 'a.example.org'))).toBe('one hello');
  });

  it.each([5001, 5004])("passes the client's address at port %i", async (port) => {
    const answer = await over(tls(port, 'told.example.org'));
    expect(answer).toMatch(/^one PROXY TCP4 [0-9.]+ [0-9.]+ \d+ \d+\r\nhello$/);
    expect(answer).not.toContain('PROXY TCP4 127.');
  });

  it('reads no plain connection', async () => {
    expect(await over(plain(5001), 'GET / HTTP/1.0\r\n\r\n')).not.toContain('one');
  });
});

describe('TLS that ends in the service', () => {
  const services = [
    aStream('own', { tcp_port: '5001', port: OWN, ssl_passthrough: 'true', hosts: 'own.example.org' }),
    aStream('denied', {
      ...{ tcp_port: '5001', port: OWN, ssl_passthrough: 'true', hosts: 'denied.example.org' },
      allow: '192.0.2.1',
    }),
    aStream('limited', {
      ...{ tcp_port: '5001', port: OWN, ssl_passthrough: 'true', hosts: 'limited.example.org' },
      connection_limit: '1',
    }),
    aStream('fallback', { tcp_port: '5002', port: OWN, ssl_passthrough: 'true' }),
  ];
  beforeAll(async () => {
    await start(configure(services));
    return () => nginx[Symbol.asyncDispose]();
  });

  it('passes connections on by name', async () => {
    expect(await certificateAt(5001, 'own.example.org')).toBe('own.example.org');
    expect(await over(tls(5001, 'own.example.org'))).toBe('own hello');
    expect(await over(tls(5002, 'any.example.org'))).toBe('own hello');
  });

  it.each(['nobody.example.org', 'denied.example.org', undefined])('closes the connections of %s', async (name) => {
    expect(await over(tls(5001, name))).toBe('');
  });

  it('limits open connections of one client to the named service', async () => {
    const first = tls(5001, 'limited.example.org');
    expect(await say(first)).toBe('own hello');
    expect(await over(tls(5001, 'limited.example.org'))).toBe('');
    expect(await over(tls(5001, 'own.example.org'))).toBe('own hello');
    first.destroy();
    await eventually(async () => expect(await over(tls(5001, 'limited.example.org'))).toBe('own hello'), {
      timeoutMs: 10_000,
    });
  });
});

const from = (client: string) => `PROXY TCP4 ${client} 192.0.2.1 1234 5432\r\n`;

describe('a balancer that sends the PROXY protocol', () => {
  const services = [
    aStream('told', { tcp_port: '5001', port: ONE, tcp_proxy_protocol: 'true' }),
    aStream('listed', { tcp_port: '5002', port: ONE, allow: '198.51.100.0/24' }),
    aStream('named', {
      ...{ tcp_port: '5003', port: ONE, tcp_tls: 'a.pem', hosts: 'a.example.org', allow: '198.51.100.0/24' },
    }),
    aStream('limited', { tcp_port: '5004', port: ONE, connection_limit: '1' }),
  ];
  beforeAll(async () => {
    // The test reads no HTTP response behind a balancer, so nginx starts without one.
    await start(configure([]));
    await nginx.reload(configure(services, { ProxyProtocolFrom: ['0.0.0.0/0'], PublishMode: 'ingress' }));
    await eventually(async () => expect(await over(plain(5002), `${from('198.51.100.7')}hello`)).toBe('one hello'), {
      timeoutMs: 10_000,
    });
    return () => nginx[Symbol.asyncDispose]();
  });

  it("reads the client's address, and passes it on", async () => {
    expect(await over(plain(5001), `${from('198.51.100.7')}hello`)).toMatch(/^one PROXY TCP4 198\.51\.100\.7 /);
    expect(await over(plain(5001), 'hello')).toBe('');
  });

  it("checks the client's address", async () => {
    expect(await over(plain(5002), `${from('198.51.100.7')}hello`)).toBe('one hello');
    expect(await over(plain(5002), `${from('203.0.113.7')}hello`)).toBe('');
  });

  it.each([
    ['198.51.100.7', /^one hello$/],
    ['203.0.113.7', /^$/],
  ])('checks it behind the name in the handshake: %s', async (client, answer) => {
    const socket = plain(5003);
    socket.write(from(client));
    const secure = connectTls({ socket, servername: 'a.example.org', rejectUnauthorized: false });
    expect(await over(secure)).toMatch(answer);
  });

  it('counts connections by it', async () => {
    const first = plain(5004);
    expect(await say(first, `${from('198.51.100.7')}hello`)).toBe('one hello');
    expect(await over(plain(5004), `${from('198.51.100.7')}hello`)).toBe('');
    expect(await over(plain(5004), `${from('198.51.100.8')}hello`)).toBe('one hello');
    first.destroy();
  });
});
