import { once } from 'node:events';
import { request } from 'node:https';
import { text } from 'node:stream/consumers';
import { expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { createAuthority, issueIdentity } from '../../../src/protocol/certificates.ts';
import { type Demo, startDemo } from './support.ts';

const client = { servername: 'demo.local', rejectUnauthorized: false };

async function startTlsDemo(): Promise<Demo> {
  return startDemo(await issueIdentity(await createAuthority(Date.now()), 'demo.local', Date.now()));
}

it('reports the values of the handshake', async () => {
  await using demo = await startTlsDemo();
  const outgoing = request(`${demo.url}/echo`, { ...client, agent: false }).end();

  const [response] = await once(outgoing, 'response');

  expect(JSON.parse(await text(response))).toMatchObject({ tls: { servername: 'demo.local', protocol: 'TLSv1.3' } });
});

it('speaks WebSocket over TLS', async () => {
  await using demo = await startTlsDemo();
  const socket = new WebSocket(`wss://127.0.0.1:${demo.port}/ws`, client);

  const [greeting] = await once(socket, 'message');
  socket.close();

  expect(String(greeting)).toBe('{"instance":"one"}');
});
