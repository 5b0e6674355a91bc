// Certificates expire after two years, while controller, extensions and proxies are running.
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { pino } from 'pino';
import { expect, it } from 'vitest';
import { LinkClient } from '../../../src/controller/extension-client.ts';
import { RenewedIdentity } from '../../../src/controller/renewed-identity.ts';
import { Offers } from '../../../src/extension/offers.ts';
import { createLinkServer } from '../../../src/extension/server.ts';
import { versionDigest } from '../../../src/model/version-digest.ts';
import { createAuthority, expiry, issueIdentity } from '../../../src/protocol/certificates.ts';
import { controllerName, extensionName } from '../../../src/protocol/names.ts';
import { TemplateSource } from '../../../src/render/template-source.ts';
import { inputOf, manyServices } from '../../support/many-services.ts';

const day = 24 * 3_600_000;
const year = 365 * day;
const host = '127.0.0.1';
const input = inputOf(manyServices(1));
const { cluster } = input;
const version = versionDigest(cluster, 'events {}', []);
const files = [{ path: 'nginx.conf', digest: version, text: 'events {}' }];
const { signal } = new AbortController();

async function startExtension(authority: Awaited<ReturnType<typeof createAuthority>>) {
  const held = Promise.withResolvers<void>();
  const asked = Promise.withResolvers<void>();
  const extension = { held, asked, isHolding: false };
  const server = createLinkServer({
    cluster,
    identity: await issueIdentity(authority, extensionName(cluster), Date.now()),
    prove: async () => {
      asked.resolve();
      if (extension.isHolding) await held.promise;
      return { kind: 'rendered', version, files, refused: [] };
    },
    templates: new TemplateSource({ 'nginx.conf': 'events {}' }),
    offers: new Offers(Date.now),
    logger: pino({ level: 'silent' }),
  });
  server.listen(0, host);
  await once(server, 'listening');
  const stop = () => {
    server.close();
    server.closeAllConnections();
  };
  return Object.assign(extension, { port: (server.address() as AddressInfo).port, stop });
}

it('a controller whose stored certificate has expired renders again', async () => {
  // Installed three years ago: the certificate in the secret expired a year ago, but its CA did not.
  const authority = await createAuthority(Date.now() - 3 * year);
  expect(expiry(authority.cert).getTime()).toBeLessThan(Date.now());
  const extension = await startExtension(authority);
  const render = (client: LinkClient) => client.render(host, input, signal);

  await expect(render(new LinkClient(authority, extension.port))).rejects.toThrow();
  const identity = await RenewedIdentity.issue(authority, Date.now);
  const rendering = await render(new LinkClient(identity.current, extension.port));

  expect(rendering.version).toBe(version);
  extension.stop();
});

it('is renewed well before it expires, and not earlier', async () => {
  let now = Date.parse('2026-01-01T00:00:00Z');
  const identity = await RenewedIdentity.issue(await createAuthority(now), () => now);
  const first = identity.current.cert;

  now += 1.4 * year;
  expect(await identity.renew()).toBe(false);
  expect(identity.current.cert).toBe(first);
  now += 0.2 * year;
  expect(await identity.renew()).toBe(true);
  expect(expiry(identity.current.cert).getTime()).toBeGreaterThan(now + year);
  expect(new X509Certificate(identity.current.cert).subject).toBe(`CN=${controllerName}`);
});

it('calls in flight survive a renewal, and the next ones use the new certificate', async () => {
  const authority = await createAuthority(Date.now());
  const extension = await startExtension(authority);
  const identity = await RenewedIdentity.issue(authority, Date.now);
  const client = new LinkClient(identity.current, extension.port);
  extension.isHolding = true;
  const underWay = client.render(host, input, signal);
  await extension.asked.promise;

  client.useIdentity(await issueIdentity(authority, controllerName, Date.now()));
  extension.isHolding = false;
  const next = client.render(host, { ...input, zoneKb: 1024 }, signal);

  expect((await next).version).toBe(version);
  extension.held.resolve();
  expect((await underWay).version).toBe(version);
  extension.stop();
});
