// A compromised extension answers slowly, or without end.
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { Agent, createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { expect, it } from 'vitest';
import { ExtensionChannel } from '../../../src/controller/extension-channel.ts';
import { LinkClient } from '../../../src/controller/extension-client.ts';
import { send } from '../../../src/protocol/call.ts';
import { createAuthority, issueIdentity } from '../../../src/protocol/certificates.ts';
import { extensionName } from '../../../src/protocol/names.ts';

import { renderBeside } from '../../support/hostile-swarm.ts';

const now = Date.now();
const authority = await createAuthority(now);
const identity = await issueIdentity(authority, extensionName('default'), now);
const { signal } = new AbortController();

async function listen(respond: (response: ServerResponse) => void) {
  const server = createServer({ ...identity, requestCert: true }, (_, response) => respond(response));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { server, port: (server.address() as AddressInfo).port };
}

async function ask(
  respond: (response: ServerResponse) => void,
  limits: { timeoutMs: number; maxBytes?: number; silenceMs?: number },
) {
  const { server, port } = await listen(respond);
  const agent = new Agent({ ...authority, keepAlive: true });
  const call = { host: '127.0.0.1', port, agent, servername: extensionName('default'), method: 'GET', path: '/' };
  try {
    return await send({ ...call, body: '', ...limits }, signal);
  } finally {
    agent.destroy();
    server.close();
    server.closeAllConnections();
  }
}

it('an answer that trickles is cut off at the deadline', async () => {
  const timers: NodeJS.Timeout[] = [];
  const start = performance.now();

  const answer = ask((response) => timers.push(setInterval(() => response.write('x'), 20)), { timeoutMs: 1000 });

  await expect(answer).rejects.toThrow('timed out after 1 s');
  expect(performance.now() - start).toBeLessThan(5000);
  for (const timer of timers) clearInterval(timer);
});

it('a missing answer times out at the deadline', async () => {
  await expect(ask(() => undefined, { timeoutMs: 500 })).rejects.toThrow('timed out after 0.5 s');
});

it('a silent call ends long before its deadline', async () => {
  const start = performance.now();

  await expect(ask(() => undefined, { timeoutMs: 60_000, silenceMs: 300 })).rejects.toThrow('no data for 0.3 s');
  expect(performance.now() - start).toBeLessThan(10_000);
});

it('the controller waits for an extension as long as the request requires', async () => {
  const { server, port } = await listen(() => undefined);
  const call = { service: '127.0.0.1', cluster: 'default', method: 'POST', path: '/render', body: '', silenceMs: 400 };
  try {
    await expect(new ExtensionChannel(authority, port).send(call, signal)).rejects.toThrow('no data for 0.4 s');
  } finally {
    server.close();
    server.closeAllConnections();
  }
});

it('signs of life keep a call waiting', async () => {
  const later = (response: ServerResponse) => {
    const signs = setInterval(() => response.writeProcessing(), 50);
    setTimeout(() => {
      clearInterval(signs);
      response.end('done');
    }, 1500);
  };

  expect(await ask(later, { timeoutMs: 60_000, silenceMs: 1000 })).toEqual({ status: 200, text: 'done' });
});

it('an answer that stops halfway ends the call by its silence', async () => {
  const half = (response: ServerResponse) => void response.writeHead(200, { 'content-length': '100' }).write('half');

  await expect(ask(half, { timeoutMs: 60_000, silenceMs: 300 })).rejects.toThrow('no data for 0.3 s');
});

it('an answer that is too large is not read to its end', async () => {
  const answer = ask((response) => response.end('x'.repeat(1_000_000)), { timeoutMs: 10_000, maxBytes: 1000 });

  await expect(answer).rejects.toThrow('Message too large');
});

it.each([
  ['an error', 500],
  ['invalid JSON', 200],
])('text of an extension that answers %s reaches log and page as one line of printable text', async (_, status) => {
  const hostile = `\u001b[2J\n{"level":30}\u202e${'x'.repeat(100_000)}`;
  const { server, port } = await listen((response) => response.writeHead(status).end(hostile));
  const client = new LinkClient(authority, port);
  const { input } = renderBeside().clusters[0]!;

  const error = await client.render('127.0.0.1', { ...input, cluster: 'default' }, signal).catch((error) => error);

  expect(error.message).toMatch(/^[ -~]{20,600}$/);
  server.close();
  server.closeAllConnections();
});
