import { once } from 'node:events';
import { Agent, type AgentOptions, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createAcmeServer } from '../../../src/acme/server.ts';
import { send } from '../../../src/protocol/call.ts';
import { createAuthority, issueIdentity } from '../../../src/protocol/certificates.ts';
import { acmeName, extensionName, type Identity, readerName } from '../../../src/protocol/names.ts';
import { createReaderServer } from '../../../src/secret-reader/server.ts';

const now = Date.now();
const logger = pino({ level: 'silent' });
const authority = await createAuthority(now);

interface Running {
  readonly server: Server;
  readonly name: string;
}

async function start(name: string, create: (identity: Identity) => Server): Promise<Running> {
  const server = create(await issueIdentity(authority, name, now));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { server, name };
}

interface Asked {
  readonly method?: string;
  readonly path: string;
  readonly body?: string;
  readonly client?: AgentOptions;
}

async function ask({ server, name }: Running, { client = authority, method = 'GET', body = '', path }: Asked) {
  const agent = new Agent(client);
  const { port } = server.address() as AddressInfo;
  const call = { host: '127.0.0.1', port, agent, servername: name, method, path, body, timeoutMs: 5000 };
  return send(call, new AbortController().signal).finally(() => agent.destroy());
}

let acme: Running;
let reader: Running;
beforeAll(async () => {
  const options = {
    order: () => new Promise<never>(() => undefined),
    renewalInfo: async () => Promise.reject(new Error('the CA is down')),
    lookUp: async () => ({ addresses: null, caa: null, identities: [] }),
    logger,
  };
  acme = await start(acmeName, (identity) => createAcmeServer({ identity, ...options }));
  reader = await start(readerName('default'), (identity) =>
    createReaderServer({ identity, secrets: [], onFailure: () => undefined }),
  );
});
afterAll(() => {
  for (const { server } of [acme, reader]) {
    server.closeAllConnections();
    server.close();
  }
});

describe('a server on the control channel', () => {
  it('answers the controller', async () => {
    expect(await ask(acme, { path: '/health' })).toMatchObject({ status: 204 });
    expect(await ask(reader, { path: '/secrets' })).toEqual({ status: 200, text: '{"secrets":[]}' });
  });

  it('rejects all other programs', async () => {
    const client = await issueIdentity(authority, extensionName('default'), now);

    expect((await ask(acme, { path: '/health', client })).status).toBe(403);
    expect((await ask(reader, { path: '/secrets', client })).status).toBe(403);
  });

  it('rejects clients without a certificate, with one of another CA, and with TLS 1.2', async () => {
    const other = { ...(await createAuthority(now)), ca: authority.ca };
    for (const client of [{ ca: authority.ca }, other, { ...authority, maxVersion: 'TLSv1.2' as const }])
      for (const running of [acme, reader]) await expect(ask(running, { path: '/', client })).rejects.toThrow();
  });

  it.each(['/', '/secret', '/constructor', '/__proto__'])('does not find %s', async (path) => {
    for (const running of [acme, reader]) expect((await ask(running, { path })).status).toBe(404);
  });

  it('rejects bodies that are too large or invalid', async () => {
    const order = { method: 'POST', path: '/order' };

    expect((await ask(acme, { ...order, body: 'x'.repeat(70_000) })).status).toBe(413);
    expect(await ask(acme, { ...order, body: '{' })).toMatchObject({
      status: 400,
      text: '{"error":"The body is not valid JSON"}',
    });
    expect((await ask(acme, { ...order, body: '{}' })).text).toContain('directory: ');
  });

  it('passes on that the CA cannot be reached', async () => {
    const body = JSON.stringify({ directory: 'https://ca.example.org/directory', ca: '', ari: 'a.b' });

    expect(await ask(acme, { method: 'POST', path: '/renewal-info', body })).toEqual({
      status: 502,
      text: '{"error":"the CA is down"}',
    });
  });
});
