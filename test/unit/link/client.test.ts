import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { pino } from 'pino';
import { beforeAll, describe, expect, it } from 'vitest';
import { Offers } from '../../../src/in-place/offers.ts';
import { type Authority, createAuthority, issueIdentity } from '../../../src/link/certificates.ts';
import { LinkClient, LinkError } from '../../../src/link/client.ts';
import { extensionName } from '../../../src/link/names.ts';
import { createLinkServer } from '../../../src/link/server.ts';
import { SettingsRefusedError } from '../../../src/reconcile/ports.ts';
import { TemplateSource } from '../../../src/render/template-source.ts';
import { templateTexts } from '../../support/golden.ts';
import { renderBeside } from '../../support/hostile-swarm.ts';

const now = Date.now();
const { input } = renderBeside().clusters[0]!;
const version = '0123456789abcdef';
const rendered = {
  kind: 'rendered',
  version,
  files: [{ path: 'nginx.conf', digest: version, text: '# text' }],
  refused: [],
};
const { signal } = new AbortController();
let authority: Authority;

beforeAll(async () => {
  authority = await createAuthority(now);
});

/** An extension on a free port of this machine that gives these answers, and counts them. */
async function startExtension({ proof = rendered as object, cluster = input.cluster, ca = authority } = {}) {
  const templates = new TemplateSource({ 'nginx.conf': 'events {}' });
  const offers = new Offers(Date.now);
  const asked: unknown[] = [];
  const prove = async (question: unknown) => {
    asked.push(question);
    return proof;
  };
  const identity = await issueIdentity(ca, extensionName(cluster), now);
  const server = createLinkServer({
    cluster,
    identity,
    prove,
    templates,
    offers,
    logger: pino({ level: 'silent' }),
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = new LinkClient(authority, (server.address() as AddressInfo).port);
  const dispose = async () => {
    server.close();
    server.closeAllConnections();
  };
  return { client, asked, templates, offers, [Symbol.asyncDispose]: dispose };
}

const host = '127.0.0.1';

describe("the controller's end of the control channel", () => {
  it('hands over the question as it is, and the answer', async () => {
    await using extension = await startExtension({
      proof: { ...rendered, refused: [{ service: 'mallory', message: 'unknown directive' }] },
    });

    const rendering = await extension.client.render(host, input, signal);

    expect(extension.asked).toEqual([JSON.parse(JSON.stringify(input))]);
    expect(rendering).toMatchObject({ version, files: rendered.files });
    expect(rendering.problems).toMatchObject([{ severity: 'error', service: 'mallory', cluster: input.cluster }]);
  });

  it('asks an equal question once, and another one anew', async () => {
    await using extension = await startExtension();

    await extension.client.render(host, input, signal);
    await extension.client.render(host, input, signal);
    await extension.client.render(host, { ...input, zoneKb: 1024 }, signal);

    expect(extension.asked).toHaveLength(2);
  });

  it("asks again when the extension's templates have changed", async () => {
    await using extension = await startExtension();
    const watching = new AbortController();
    const changed = Promise.withResolvers<void>();

    await extension.client.render(host, input, signal);
    const watch = extension.client.watch(host, input.cluster, changed.resolve, watching.signal);
    extension.templates.replace(templateTexts);
    await changed.promise;
    await extension.client.render(host, input, signal);
    watching.abort();
    await watch;

    expect(extension.asked).toHaveLength(2);
  });

  it('tells a refusal of the settings from trouble', async () => {
    await using extension = await startExtension({ proof: { kind: 'settings-refused', message: 'unknown directive' } });

    await expect(extension.client.render(host, input, signal)).rejects.toThrow(SettingsRefusedError);
  });

  it.each([
    ['a path that leads out', { ...rendered, files: [{ path: '../x', digest: version, text: '' }] }],
    ['no version', { ...rendered, version: undefined }],
    ['nothing', {}],
  ])('does not take an answer with %s', async (_, proof) => {
    await using extension = await startExtension({ proof });

    await expect(extension.client.render(host, input, signal)).rejects.toThrow(/not as agreed/);
  });

  it("is not fooled by another cluster's extension, nor by one of another CA", async () => {
    await using other = await startExtension({ cluster: 'other' });
    await using foreign = await startExtension({ ca: await createAuthority(now) });

    await expect(other.client.render(host, input, signal)).rejects.toThrow(LinkError);
    await expect(foreign.client.render(host, input, signal)).rejects.toThrow(LinkError);
    expect([...other.asked, ...foreign.asked]).toEqual([]);
  });

  it('says so when nobody answers', async () => {
    const { client, ...extension } = await startExtension();
    await extension[Symbol.asyncDispose]();

    await expect(client.render(host, input, signal)).rejects.toThrow(LinkError);
  });
});
