import { once } from 'node:events';
import { request } from 'node:https';
import type { AddressInfo } from 'node:net';
import { pino } from 'pino';
import { beforeAll, describe, expect, it } from 'vitest';
import { createCredentials } from '../../../src/controller/credentials.ts';
import type { Credentials } from '../../../src/controller/ports.ts';
import { Offers } from '../../../src/extension/offers.ts';
import { createLinkServer } from '../../../src/extension/server.ts';
import { roleLabel } from '../../../src/model/names.ts';
import { type Authority, createAuthority, issueIdentity } from '../../../src/protocol/certificates.ts';
import { controllerName, extensionName, type Identity } from '../../../src/protocol/names.ts';
import { TemplateSource } from '../../../src/render/template-source.ts';

const now = Date.now();
let authority: Authority;
let port: number;
const templates = new TemplateSource({ 'nginx.conf': 'events {}' });

beforeAll(async () => {
  authority = await createAuthority(now);
  const identity = await issueIdentity(authority, extensionName('default'), now);
  const server = createLinkServer({
    identity,
    prove: async () => ({ kind: 'test' }),
    templates,
    cluster: 'default',
    offers: new Offers(Date.now),
    logger: pino({ level: 'silent' }),
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  port = (server.address() as AddressInfo).port;
  return () => server.close();
});

function ask(identity: Partial<Identity>, servername = extensionName('default'), body = '{}'): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const options = {
    ...identity,
    host: '127.0.0.1',
    port,
    servername,
    path: '/render',
    method: 'POST',
    agent: false as const,
  };
  request(options, (response) => resolve(response.resume().statusCode ?? 0))
    .on('error', reject)
    .end(body);
  return promise;
}

describe('the control channel', () => {
  it('accepts the controller, and validates its requests', async () => {
    expect(await ask(authority)).toBe(400);
  });

  it('rejects a client without a certificate', async () => {
    await expect(ask({ ca: authority.ca })).rejects.toThrow();
  });

  it('rejects a certificate of another CA', async () => {
    const other = await createAuthority(now);

    await expect(ask({ ...other, ca: authority.ca })).rejects.toThrow();
  });

  it('rejects an extension that poses as the controller', async () => {
    expect(await ask(await issueIdentity(authority, extensionName('default'), now))).toBe(403);
  });

  it("does not accept another cluster's extension", async () => {
    await expect(ask(authority, extensionName('other'))).rejects.toThrow(/altname/i);
  });

  it('does not accept a server of another CA with the right name', async () => {
    const other = await createAuthority(now);

    await expect(ask({ ...authority, ca: other.ca })).rejects.toThrow();
  });

  it('identifies the controller', () => {
    expect(controllerName).toBe('controller.signalbox');
  });
});

describe('credentials', () => {
  const year = 365 * 24 * 3_600_000;
  const store = (object: { name: string; labels: Readonly<Record<string, string>> }) => ({
    ...object,
    id: 'id',
    createdAt: '',
  });

  /** A new identity, as the swarm would store it. */
  async function issued(credentials: Credentials) {
    const { name } = credentials.find('extension', 'default', []);
    return store(await credentials.issue('extension', 'default', name));
  }

  it('are kept while they are valid, and renewed in time', async () => {
    const first = await issued(createCredentials(authority, () => now));

    const later = createCredentials(authority, () => now + year).find('extension', 'default', [first]);
    const late = createCredentials(authority, () => now + 1.8 * year).find('extension', 'default', [first]);

    expect(later).toEqual({ id: first.id, name: first.name });
    expect(late.id).toBeUndefined();
    expect(late.name).not.toBe(first.name);
  });

  it('of an earlier release, without a role, are those of the extension', async () => {
    const credentials = createCredentials(authority, () => now);
    const { labels, ...identity } = await issued(credentials);
    const old = {
      ...identity,
      labels: Object.fromEntries(Object.entries(labels).filter(([key]) => key !== roleLabel)),
    };

    expect(credentials.find('extension', 'default', [old])).toEqual({ id: old.id, name: old.name });
    expect(credentials.find('proxy', 'default', [old])).toMatchObject({ id: undefined });
    expect(credentials.find('proxy', 'default', [old]).name).not.toBe(old.name);
  });

  it('of another CA are rejected', async () => {
    const other = await issued(createCredentials(await createAuthority(now), () => now));

    const own = createCredentials(authority, () => now).find('extension', 'default', [other]);

    expect(own.id).toBeUndefined();
    expect(own.name).not.toBe(other.name);
  });
});
