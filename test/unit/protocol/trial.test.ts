// A replica tests an in-place change instead of the extension's nginx.
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { pino } from 'pino';
import { beforeAll, describe, expect, it } from 'vitest';
import { LinkClient } from '../../../src/controller/extension-client.ts';
import { Offers } from '../../../src/extension/offers.ts';
import type { Prove } from '../../../src/extension/render-requests.ts';
import { createLinkServer } from '../../../src/extension/server.ts';
import type { AgentReport } from '../../../src/model/version.ts';
import { type Authority, createAuthority, issueIdentity } from '../../../src/protocol/certificates.ts';
import { extensionName } from '../../../src/protocol/names.ts';
import { proveConfiguration } from '../../../src/render/prove.ts';
import { TemplateSource } from '../../../src/render/template-source.ts';
import { aService } from '../../support/builders.ts';
import { textOf } from '../../support/fake-extension.ts';
import { templateTexts } from '../../support/golden.ts';
import { inputOf } from '../../support/many-services.ts';

const boot = '0123456789abcdef';
const host = '127.0.0.1';
const now = Date.now();
const { signal } = new AbortController();
let authority: Authority;

beforeAll(async () => {
  authority = await createAuthority(now);
});

/** An extension whose nginx answers as the test says, two replicas, and a controller that has sent these services. */
async function setUp(names: readonly string[]) {
  const templates = new TemplateSource(templateTexts);
  const offers = new Offers(Date.now);
  const nginx = { check: async (_text: string): Promise<string | undefined> => undefined };
  const prove: Prove = (input, trial) =>
    proveConfiguration(
      input,
      (all) => templates.render(all),
      (files) => nginx.check(textOf(files)),
      trial && { ...trial, render: (part) => templates.renderPart(part) },
    );
  // The same objects for what has not changed, as the controller has them.
  const routes = inputOf(names.map((name) => aService(name))).routes;
  const question = inputOf([]);
  const cluster = question.cluster;
  const identity = await issueIdentity(authority, extensionName(cluster), now);
  const logger = pino({ level: 'silent' });
  const server = createLinkServer({ cluster, identity, prove, templates, offers, logger });
  server.listen(0, host);
  await once(server, 'listening');
  const client = new LinkClient(authority, (server.address() as AddressInfo).port);
  const ask = (more: readonly string[], triedBy?: string) => {
    const added = inputOf(more.map((name) => aService(name))).routes;
    return client.render(host, { ...question, routes: [...routes, ...added] }, signal, triedBy);
  };
  const offer = async ({ version, files }: Awaited<ReturnType<typeof ask>>) =>
    client.offer(host, { cluster, boot, version, files }, signal);
  const first = await ask([], boot);
  await offer(first);
  /** Resolves with what the replica receives within a second, or undefined. */
  const sendReport = (task: string, serving: string | null) =>
    offers.next(reportOf(task, serving), AbortSignal.timeout(1000)).then((offered) => offered?.version);
  await sendReport('a', boot);
  await offers.next(reportOf('a', first.version), AbortSignal.timeout(0));
  expect(await sendReport('b', boot)).toBe(first.version);
  return {
    nginx,
    ask,
    offer,
    sendReport,
    first,
    refusal: () => offers.state.offers[0]?.refused,
    /** Has to wait. */
    waits: async (task: string, serving: string, refused: string | null = null) =>
      (await offers.next(reportOf(task, serving, refused), AbortSignal.timeout(20))) === undefined,
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
    },
  };
}

function reportOf(task: string, serving: string | null, refused: string | null = null): AgentReport {
  return {
    task,
    boot,
    serving,
    loaded: null,
    refused: refused === null ? null : { version: refused, message: 'no' },
    secrets: [],
  };
}

describe('a change', () => {
  it('is tried by one replica, without a full test before, and then goes to the others', async () => {
    await using world = await setUp(['shop', 'blog', 'wiki', 'news']);
    const read: string[] = [];
    world.nginx.check = async (text) => void read.push(text);
    const asked = world.ask(['mail'], boot);

    const tried = await world.sendReport('a', world.first.version);

    expect(tried).not.toBe(world.first.version);
    expect(await world.waits('b', world.first.version)).toBe(true);
    expect(await world.waits('a', tried!)).toBe(true);
    const rendering = await asked;
    expect(rendering.version).toBe(tried);
    expect(await world.waits('b', world.first.version)).toBe(true);
    await world.offer(rendering);
    expect(await world.sendReport('b', world.first.version)).toBe(tried);
    expect(read).toEqual([expect.not.stringContaining('shop.example.org')]);
  });

  it('is not tried if nginx rejects the changed part', async () => {
    await using world = await setUp(['shop', 'blog', 'wiki', 'news']);
    world.nginx.check = async (text) => (text.includes('mail.example.org') ? 'no' : undefined);

    const [rendering, isKept] = await Promise.all([world.ask(['mail'], boot), world.waits('a', world.first.version)]);

    expect(isKept).toBe(true);
    expect(rendering).toMatchObject({ version: world.first.version, problems: [{ service: 'mail' }] });
  });

  it('that the replica rejects is tested completely, to find the failing service', async () => {
    await using world = await setUp(['shop', 'blog', 'wiki', 'news']);
    world.nginx.check = async (text) =>
      text.includes('mail.example') && text.includes('shop.example') ? 'no' : undefined;
    const asked = world.ask(['mail'], boot);
    const tried = await world.sendReport('a', world.first.version);

    await world.waits('a', world.first.version, tried);
    const rendering = await asked;

    expect(rendering).toMatchObject({ version: world.first.version, problems: [{ service: 'mail' }] });
    expect(await world.waits('b', world.first.version)).toBe(true);
  });

  it('that the replica has not accepted in time, and nginx then rejects, is withdrawn', {
    timeout: 15_000,
  }, async () => {
    await using world = await setUp(['shop', 'blog', 'wiki', 'news']);
    world.nginx.check = async (text) =>
      text.includes('mail.example') && text.includes('shop.example') ? 'no' : undefined;
    const asked = world.ask(['mail'], boot);
    const tried = await world.sendReport('a', world.first.version);

    const rendering = await asked;

    expect(rendering.version).not.toBe(tried);
    expect(await world.sendReport('a', tried!)).toBe(world.first.version);
    expect(await world.waits('b', world.first.version)).toBe(true);
  });

  it('that only the replica rejects is reported, and goes no further', async () => {
    await using world = await setUp(['shop', 'blog', 'wiki', 'news']);
    const asked = world.ask(['mail'], boot);
    const tried = await world.sendReport('a', world.first.version);

    await world.waits('a', world.first.version, tried);
    await world.offer(await asked);

    expect(await world.waits('b', world.first.version)).toBe(true);
    expect(world.refusal()).toBe('no');
  });

  it('is not tried if something has to be attached first', async () => {
    await using world = await setUp(['shop', 'blog', 'wiki', 'news']);

    await world.ask(['mail']);

    expect(await world.waits('a', world.first.version)).toBe(true);
  });
});
