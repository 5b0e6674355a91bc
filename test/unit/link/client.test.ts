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
import { inputOf, manyServices } from '../../support/many-services.ts';

const now = Date.now();
const { input } = renderBeside().clusters[0]!;
const version = '0123456789abcdef';
const other = 'fedcba9876543210';
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
async function startExtension({ proof = rendered as object, cluster = input.cluster, ca = authority, port = 0 } = {}) {
  const templates = new TemplateSource({ 'nginx.conf': 'events {}' });
  const offers = new Offers(Date.now);
  const asked: unknown[] = [];
  /** Bytes of the requests. */
  const sizes: number[] = [];
  const prove = async (question: unknown) => {
    asked.push(question);
    return extension.proof;
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
  server.on('request', ({ headers }) => sizes.push(Number(headers['content-length'])));
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address() as AddressInfo;
  const client = new LinkClient(authority, address.port);
  const dispose = async () => {
    server.close();
    server.closeAllConnections();
  };
  const extension = {
    client,
    asked,
    sizes,
    proof,
    templates,
    offers,
    port: address.port,
    [Symbol.asyncDispose]: dispose,
  };
  return extension;
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

  it('tells only what differs, and takes only what it does not know', async () => {
    await using extension = await startExtension();
    const large = inputOf(manyServices(50));
    const changed = { ...large.routes[7]!, path: '/changed' };
    const routes = [...large.routes.with(7, changed).slice(1), { ...changed, path: '/added' }];
    await extension.client.render(host, large, signal);
    extension.proof = {
      ...rendered,
      files: [
        { ...rendered.files[0], text: '# not sent' },
        { path: 'servers-00.conf', digest: other, text: '# new' },
      ],
    };

    const { files } = await extension.client.render(host, { ...large, routes }, signal);

    expect(extension.asked[1]).toEqual(JSON.parse(JSON.stringify({ ...large, routes })));
    expect(extension.sizes[1]).toBeLessThan(extension.sizes[0]! / 3);
    expect(files.map(({ text }) => text)).toEqual(['# text', '# new']);
  });

  it('tells all of it to an extension that has started anew', async () => {
    const first = await startExtension();
    const large = inputOf(manyServices(10));
    await first.client.render(host, large, signal);
    await first[Symbol.asyncDispose]();
    await using second = await startExtension({ port: first.port });
    const routes = large.routes.slice(1);

    await first.client.render(host, { ...large, routes }, signal);

    expect(second.asked).toEqual([JSON.parse(JSON.stringify({ ...large, routes }))]);
    expect(second.sizes).toHaveLength(2);
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
