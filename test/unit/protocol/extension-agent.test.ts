// Other services may take over the names of an extension with network aliases.
import { once } from 'node:events';
import type { AddressInfo, Server } from 'node:net';
import { createServer as createTcpServer } from 'node:net';
import { createServer, type Server as TlsServer } from 'node:tls';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { send } from '../../../src/protocol/call.ts';
import { type Authority, createAuthority, issueIdentity } from '../../../src/protocol/certificates.ts';
import { ExtensionAgent, type ExtensionAgentOptions } from '../../../src/protocol/extension-agent.ts';
import { extensionName } from '../../../src/protocol/names.ts';

const own = '127.0.0.1';
const hostile = ['127.0.0.2', '127.0.0.3'];
const silent = '127.0.0.4';
const nobody = '127.0.0.5';
const { signal } = new AbortController();
const servers: (Server | TlsServer)[] = [];
const reached = { own: 0, hostile: 0 };
let authority: Authority;
let port: number;

beforeAll(async () => {
  authority = await createAuthority(Date.now());
  const listen = async (server: Server | TlsServer, host: string, on = port) => {
    servers.push(server);
    server.listen(on, host);
    await once(server, 'listening');
    return (server.address() as AddressInfo).port;
  };
  const answer = (identity: object, count: 'own' | 'hostile') =>
    createServer({ ...identity, minVersion: 'TLSv1.3' }, (socket) => {
      socket.on('error', () => undefined);
      socket.once('data', () => {
        reached[count] += 1;
        socket.end('HTTP/1.1 204 No Content\r\n\r\n');
      });
    }).on('tlsClientError', () => undefined);
  const name = extensionName('default');
  port = await listen(answer(await issueIdentity(authority, name, Date.now()), 'own'), own, 0);
  const imitated = await issueIdentity(await createAuthority(Date.now()), name, Date.now());
  const otherRole = await issueIdentity(authority, extensionName('other'), Date.now());
  await listen(answer(imitated, 'hostile'), hostile[0]!);
  await listen(answer(otherRole, 'hostile'), hostile[1]!);
  await listen(
    createTcpServer((socket) => socket.on('error', () => undefined)),
    silent,
  );
});
afterAll(() => {
  for (const server of servers) server.close();
});

async function ask(names: Readonly<Record<string, readonly string[]>>, more: Partial<ExtensionAgentOptions> = {}) {
  const resolve = async (name: string) => {
    const addresses = names[name];
    if (addresses === undefined) throw Object.assign(new Error(`ENOTFOUND ${name}`), { syscall: 'getaddrinfo' });
    return addresses;
  };
  const agent = new ExtensionAgent({ identity: authority, resolve, timeoutMs: 2000, ...more });
  const call = { host: 'ext', port, agent, servername: extensionName('default'), method: 'GET', path: '/', body: '' };
  try {
    return (await send({ ...call, timeoutMs: 5000 }, signal)).status;
  } finally {
    agent.destroy();
  }
}

it.each([
  ['the only one', { 'tasks.ext.signalbox': [own] }],
  ['one of several', { 'tasks.ext.signalbox': [...hostile, nobody, own] }],
  [
    'that of another name',
    { 'tasks.ext.signalbox': hostile, 'ext.signalbox': hostile, 'tasks.ext': [own], ext: hostile },
  ],
  ['beside one that does not answer', { 'tasks.ext.signalbox': [silent], ext: [own] }],
])('finds the address that authenticates: %s', async (_, names) => {
  expect(await ask(names)).toBe(204);
});

it('uses the known address if all names are taken over', async () => {
  const taken = { 'tasks.ext.signalbox': hostile, 'ext.signalbox': hostile, 'tasks.ext': [silent], ext: [nobody] };

  expect(await ask(taken, { address: own })).toBe(204);
  expect(await ask({ ext: [own] }, { address: nobody })).toBe(204);
});

it('keeps one connection, however many addresses lead to the extension', async () => {
  const server = servers[0] as TlsServer;
  expect(await ask({ ext: [own] }, { address: '127.0.0.1' })).toBe(204);
  await expect.poll(() => new Promise((resolve) => server.getConnections((_, count) => resolve(count)))).toBe(0);
});

it('sends nothing to any other server', async () => {
  await expect(ask({ ext: hostile })).rejects.toThrow(/certificate|altname/i);
  await expect(ask({ ext: [silent] }, { timeoutMs: 200 })).rejects.toThrow('timed out');
  await expect(ask({})).rejects.toThrow('ENOTFOUND ext');
  expect(reached.hostile).toBe(0);
});

it('stops waiting for a connection on request', async () => {
  const started = performance.now();
  const agent = new ExtensionAgent({ identity: authority, address: silent, resolve: async () => [silent] });
  const call = { host: 'ext', port, agent, servername: extensionName('default'), method: 'GET', path: '/', body: '' };

  await expect(send({ ...call, timeoutMs: 5000 }, AbortSignal.timeout(100))).rejects.toThrow('timeout');
  expect(performance.now() - started).toBeLessThan(2000);
});

it('gives up in time if an alias has very many addresses', async () => {
  const many = Array.from({ length: 200 }, () => silent);

  await expect(ask({ ext: many }, { timeoutMs: 300 })).rejects.toThrow('timed out');
});
