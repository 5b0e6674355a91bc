import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { pino } from 'pino';
import { beforeAll, describe, expect, it } from 'vitest';
import { LinkError } from '../../../src/controller/extension-channel.ts';
import { LinkClient } from '../../../src/controller/extension-client.ts';
import { SettingsRejectedError } from '../../../src/controller/ports.ts';
import { Offers } from '../../../src/extension/offers.ts';
import { createLinkServer } from '../../../src/extension/server.ts';
import type { StreamRoute } from '../../../src/model/streams/stream-route.ts';
import { fileDigest, versionDigest } from '../../../src/model/version-digest.ts';
import { type Authority, createAuthority, issueIdentity } from '../../../src/protocol/certificates.ts';
import { extensionName } from '../../../src/protocol/names.ts';
import { TemplateSource } from '../../../src/render/template-source.ts';
import { templateTexts } from '../../support/golden.ts';
import { renderBeside } from '../../support/hostile-swarm.ts';
import { inputOf, manyServices } from '../../support/many-services.ts';

const now = Date.now();
const { input } = renderBeside().clusters[0]!;
/** A version as an extension renders it. */
function aVersion(parts: readonly string[] = [], text = '# text') {
  const files = parts.map((text, n) => {
    const path = `servers-0${n}.conf`;
    return { path, digest: fileDigest(input.cluster, path, text), text };
  });
  const version = versionDigest(input.cluster, text, files);
  return { kind: 'rendered', version, files: [{ path: 'nginx.conf', digest: version, text }, ...files], refused: [] };
}
const rendered = aVersion();
const { version } = rendered;
const [service] = input.routes.map(({ service: { name } }) => name);
const { signal } = new AbortController();
let authority: Authority;

beforeAll(async () => {
  authority = await createAuthority(now);
});

/** An extension on a free port of this machine that returns these answers, and counts the requests. */
async function startExtension({ proof = rendered as object, cluster = input.cluster, ca = authority, port = 0 } = {}) {
  const templates = new TemplateSource({ 'nginx.conf': 'events {}' });
  const offers = new Offers(Date.now);
  const asked: unknown[] = [];
  /** Size of the requests in bytes. */
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
  it('passes on request and answer unchanged', async () => {
    await using extension = await startExtension({
      proof: { ...rendered, refused: [{ service, message: 'unknown directive' }] },
    });

    const rendering = await extension.client.render(host, input, signal);

    expect(extension.asked).toEqual([JSON.parse(JSON.stringify(input))]);
    expect(rendering).toMatchObject({ version, files: rendered.files });
    expect(rendering.problems).toMatchObject([{ severity: 'error', service, cluster: input.cluster }]);
  });

  it('leaves out a TCP port that the extension would reject, and names its service', async () => {
    await using extension = await startExtension();
    const stream = (name: string, port: number): StreamRoute => ({
      service: { id: name, name, createdAt: '' },
      ...{ protocol: 'tcp', port, hosts: [], tls: { kind: 'none' }, options: { proxyProtocol: false } },
      backend: { kind: 'unavailable' },
    });

    const rendering = await extension.client.render(
      host,
      { ...input, streams: [stream('db', 5432), stream('wrong', 70_000)] },
      signal,
    );

    expect(extension.asked).toMatchObject([{ streams: [{ port: 5432 }] }]);
    expect(rendering.problems).toMatchObject([
      { service: 'wrong', reason: expect.stringMatching(/exceeds a limit.*port/) },
    ]);
  });

  it('leaves out a route that the extension would reject, and names its service', async () => {
    await using extension = await startExtension();
    const [route] = input.routes;
    const long = { ...route!, service: { ...route!.service, name: 'long' }, path: `/${'p'.repeat(600)}` };

    const rendering = await extension.client.render(host, { ...input, routes: [...input.routes, long] }, signal);
    await extension.client.render(host, { ...input, routes: [...input.routes, long] }, signal);

    expect(extension.asked).toEqual([JSON.parse(JSON.stringify(input))]);
    expect(rendering.problems).toMatchObject([
      { severity: 'error', service: 'long', reason: expect.stringMatching(/exceeds a limit.*path/) },
    ]);
  });

  it('sends an identical request once, and a different one again', async () => {
    await using extension = await startExtension();

    await extension.client.render(host, input, signal);
    await extension.client.render(host, input, signal);
    await extension.client.render(host, { ...input, zoneKb: 1024 }, signal);

    expect(extension.asked).toHaveLength(2);
  });

  it('sends only differences, and fetches only files that it does not have', async () => {
    await using extension = await startExtension();
    const large = inputOf(manyServices(50));
    const changed = { ...large.routes[7]!, path: '/changed' };
    const routes = [...large.routes.with(7, changed).slice(1), { ...changed, path: '/added' }];
    extension.proof = aVersion(['# kept', '# old']);
    await extension.client.render(host, large, signal);
    extension.proof = aVersion(['# kept', '# new']);

    const { files } = await extension.client.render(host, { ...large, routes }, signal);

    expect(extension.asked[1]).toEqual(JSON.parse(JSON.stringify({ ...large, routes })));
    expect(extension.sizes[1]).toBeLessThan(extension.sizes[0]! / 3);
    expect(files.map(({ text }) => text)).toEqual(['# text', '# kept', '# new']);
  });

  it('sends everything to an extension that has restarted', async () => {
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

  it("sends the request again if the extension's templates have changed", async () => {
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

  it('distinguishes rejected settings from a failure', async () => {
    await using extension = await startExtension({ proof: { kind: 'settings-refused', message: 'unknown directive' } });

    await expect(extension.client.render(host, input, signal)).rejects.toThrow(SettingsRejectedError);
  });

  it.each([
    ['a path outside the folder', { ...rendered, files: [{ path: '../x', digest: version, text: '' }] }],
    ['no version', { ...rendered, version: undefined }],
    ['nothing', {}],
  ])('rejects an answer with %s', async (_, proof) => {
    await using extension = await startExtension({ proof });

    await expect(extension.client.render(host, input, signal)).rejects.toThrow(/invalid response/);
  });

  it('rejects files that do not match their digests', async () => {
    const two = aVersion(['# good']);
    const [main, part] = two.files as [(typeof two.files)[0], (typeof two.files)[0]];
    const lies = [
      { ...two, files: [{ ...main, text: '# evil' }, part] },
      { ...two, files: [main, { ...part, text: '# evil' }] },
      { ...two, files: [main] },
      { ...two, files: [main, part, part] },
      { ...two, files: [part, main] },
      { ...two, version: '0123456789abcdef' },
    ];
    for (const proof of lies) {
      await using extension = await startExtension({ proof });
      await expect(extension.client.render(host, input, signal)).rejects.toThrow(/digest|main file|same path/);
    }
  });

  it('ignores problems of services that it did not ask about, and reports that', async () => {
    const refused = Array.from({ length: 1000 }, (_, n) => ({ service: `victim${n}\u001b[2J`, message: 'no' }));
    await using extension = await startExtension({ proof: { ...rendered, refused } });

    const { problems } = await extension.client.render(host, input, signal);

    expect(problems).toMatchObject([{ severity: 'error', cluster: input.cluster }]);
    expect(problems[0]!.service).toBeUndefined();
    expect(problems[0]!.reason).toMatch(/^[ -~]*victim0[ -~]* and 995 more$/);
  });

  it('accepts one problem per service, of printable text', async () => {
    const message = '\u001b[2Jforged\nline';
    await using extension = await startExtension({
      proof: { ...rendered, refused: Array(1000).fill({ service, message }) },
    });

    const { problems } = await extension.client.render(host, input, signal);

    expect(problems).toMatchObject([{ service, reason: expect.stringMatching(/: \[2Jforged line$/) }]);
  });

  it("accepts neither another cluster's extension, nor one of another CA", async () => {
    await using other = await startExtension({ cluster: 'other' });
    await using foreign = await startExtension({ ca: await createAuthority(now) });

    await expect(other.client.render(host, input, signal)).rejects.toThrow(LinkError);
    await expect(foreign.client.render(host, input, signal)).rejects.toThrow(LinkError);
    expect([...other.asked, ...foreign.asked]).toEqual([]);
  });

  it('reports that no server answers', async () => {
    const { client, ...extension } = await startExtension();
    await extension[Symbol.asyncDispose]();

    await expect(client.render(host, input, signal)).rejects.toThrow(LinkError);
  });
});
