// Relays publish the administrator's port: the controller still sees the client's address, and clients cannot forge it.
import { once } from 'node:events';
import { request } from 'node:https';
import { type AddressInfo, connect } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { serveRelay } from '../../../src/admin-relay/relay.ts';
import { serveAdmin } from '../../../src/controller/admin/serve.ts';
import { createAuthority, issueIdentity } from '../../../src/protocol/certificates.ts';

const authority = await createAuthority(Date.now());
const { cert, key } = await issueIdentity(authority, 'admin.signalbox', Date.now());
let ended = new AbortController();
afterEach(() => {
  ended.abort();
  ended = new AbortController();
});

/**
 * A controller that answers with the client's address. Loopback addresses 127.0.5.x represent the network of the
 * relays.
 */
async function startController(limits = {}): Promise<number> {
  const fetch = async (request: Request, env: unknown) => {
    const { incoming } = env as { incoming: { socket: { remoteAddress: string } } };
    const { length } = await request.text();
    return new Response(`${incoming.socket.remoteAddress}${length > 0 ? ` ${length}` : ''}`);
  };
  const server = serveAdmin(
    { app: { fetch }, port: 0, cert, key, relayedFrom: ['127.0.5.0/24'], limits },
    ended.signal,
  );
  if (!server.listening) await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

async function startRelay(controllerPort: number, controllers: readonly string[]): Promise<number> {
  const server = serveRelay({ port: 0, controllers: async () => controllers, controllerPort }, ended.signal);
  if (!server.listening) await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

function get(port: number, localAddress = '127.0.0.1', body = ''): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const options = { host: '127.0.0.1', port, localAddress, ca: authority.ca, servername: 'admin.signalbox' };
  request({ ...options, agent: false, method: 'POST' }, async (response) => {
    resolve((await response.toArray()).join(''));
  })
    .on('error', reject)
    .end(body);
  return promise;
}

it("the controller sees the client's address, not the relay's", async () => {
  const relay = await startRelay(await startController(), ['127.0.5.1']);

  expect(await get(relay, '127.0.0.9')).toBe('127.0.0.9');
  expect(await get(relay, '127.0.0.10', 'x'.repeat(500_000))).toBe('127.0.0.10 500000');
});

it('limits per client apply to the client, not to the relay', async () => {
  const relay = await startRelay(await startController({ connectionsOfClient: 1 }), ['127.0.5.1']);
  const held = connect({ host: '127.0.0.1', port: relay, localAddress: '127.0.0.9' });
  await once(held, 'connect');
  // The relay has passed on the first connection when it passes on the second.
  expect(await get(relay, '127.0.0.10')).toBe('127.0.0.10');

  await expect(get(relay, '127.0.0.9')).rejects.toThrow(/ECONNRESET|socket|disconnected/);
  held.destroy();
});

it('a controller that does not answer is skipped', async () => {
  const relay = await startRelay(await startController(), ['127.0.5.1', '127.0.5.2']);
  const lost = await startRelay(await startController(), ['127.0.5.1', '255.255.255.255']);

  for (const client of ['127.0.0.9', '127.0.0.10', '127.0.0.11', '127.0.0.12']) {
    expect(await get(relay, client)).toBe(client);
    expect(await get(lost, client)).toBe(client);
  }
});

it('the connection is closed if no controller answers', async () => {
  const relay = await startRelay(await startController(), []);

  await expect(get(relay)).rejects.toThrow(/ECONNRESET|socket|disconnected/);
});

it('outside the network of the relays, a connection cannot set its client address', async () => {
  const controller = await startController();

  expect(await get(controller)).toBe('::ffff:127.0.0.1');
  expect(await closes(controller, '127.0.0.1', 'PROXY TCP4 192.0.2.7 127.0.0.1 1 1\r\n')).toBe(true);
});

it.each(['GET / HTTP/1.1\r\n', 'PROXY UNKNOWN\r\n', 'PROXY TCP4 nobody 1 1 1\r\n', 'x'.repeat(200)])(
  'a relayed connection that begins with %j is closed',
  async (head) => {
    expect(await closes(await startController(), '127.0.5.1', head)).toBe(true);
  },
);

it('a relayed connection without a header times out', async () => {
  expect(await closes(await startController({ headersMs: 50 }), '127.0.5.1', '')).toBe(true);
});

/** Whether the other end closes the connection after these bytes. */
async function closes(port: number, host: string, text: string): Promise<boolean> {
  const socket = connect({ host, port });
  socket.on('error', () => undefined);
  socket.write(text);
  socket.resume();
  await once(socket, 'close');
  return socket.destroyed;
}
