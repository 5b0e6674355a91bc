// A compromised extension offers agents anything, without asking the controller.
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { beforeAll, expect, it } from 'vitest';
import { Offers } from '../../src/extension/offers.ts';
import { createLinkServer } from '../../src/extension/server.ts';
import { fileDigest, VERSION_MARK, versionDigest } from '../../src/model/version-digest.ts';
import { filesFault } from '../../src/nginx-text/check-text.ts';
import { type Authority, createAuthority, issueIdentity } from '../../src/protocol/certificates.ts';
import { extensionName, proxyName } from '../../src/protocol/names.ts';
import { Agent } from '../../src/proxy/agent.ts';
import { createAgentClient } from '../../src/proxy/agent-client.ts';
import { lastVersionIn } from '../../src/proxy/last-version.ts';
import { NginxRun } from '../../src/proxy/nginx/run.ts';
import type { BriefVersion } from '../../src/proxy/ports.ts';
import { TemplateSource } from '../../src/render/template-source.ts';
import { eventually } from '../support/eventually.ts';
import { render, templateTexts } from '../support/golden.ts';
import { inputOf, manyServices } from '../support/many-services.ts';

const cluster = 'default';
const boot = '0123456789abcdef';
const logger = pino({ level: 'silent' });
const secrets = 'alias /run/secrets/;';
let authority: Authority;

beforeAll(async () => {
  authority = await createAuthority(Date.now());
});

const good = render(inputOf(manyServices(1)));

/** A version with correct digests and an addition to the good one. */
function versionWith(more: string, part?: string) {
  const parts =
    part === undefined ? [] : [{ path: 'part.conf', text: part, digest: fileDigest(cluster, 'part.conf', part) }];
  const marked = good.files[0]!.text.replace(good.version, VERSION_MARK).replace('\nhttp {', `\nhttp {\n${more}`);
  const version = versionDigest(cluster, marked, parts);
  const main = { path: 'nginx.conf', digest: version, text: marked.replace(VERSION_MARK, version) };
  return { version, files: [main, ...parts] };
}

/** The extension's end of the channel, and an agent whose nginx is in memory. Files are handled as by the real one. */
async function setUp() {
  const folder = await mkdtemp(join(tmpdir(), 'agent-'));
  const offers = new Offers(Date.now);
  const server = createLinkServer({
    cluster,
    identity: await issueIdentity(authority, extensionName(cluster), Date.now()),
    prove: async () => ({}),
    templates: new TemplateSource(templateTexts),
    offers,
    logger,
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const identity = await issueIdentity(authority, proxyName(cluster), Date.now());
  const loaded: string[] = [];
  let brought: BriefVersion | undefined;
  const last = lastVersionIn(join(folder, 'versions'), boot);
  const bring = async (version: BriefVersion | undefined) => {
    brought = version;
    loaded.push(version?.version ?? 'mounted');
  };
  const agent = new Agent({
    task: 'task',
    boot,
    secrets: { facts: [], onChange: undefined },
    textFault: (files) => filesFault(files, []),
    nginx: {
      get known() {
        return brought?.files.map(({ digest }) => digest) ?? [];
      },
      stored: undefined,
      adopt: async () => undefined,
      test: async () => undefined,
      start: bring,
      reload: bring,
    },
    offering: createAgentClient({ identity, cluster, service: '127.0.0.1', port }),
    last,
    reloadIntervalMs: 0,
    logger,
  });
  const ended = new AbortController();
  await agent.boot(ended.signal);
  const following = agent.follow(ended.signal);
  const refusal = () => offers.state.replicas[0]?.refused;
  return {
    offers,
    loaded,
    refusal,
    async [Symbol.asyncDispose]() {
      ended.abort();
      await following;
      server.close();
      server.closeAllConnections();
      await rm(folder, { recursive: true });
    },
  };
}

it('a hostile offer never reaches nginx, and the reason is reported', async () => {
  await using world = await setUp();
  const { offers, loaded, refusal } = world;
  offers.offer({ boot, ...good });
  await eventually(() => expect(loaded).toEqual(['mounted', good.version]));
  const evil = versionWith(`server { listen 80; location / { ${secrets} } }`);

  offers.offer({ boot, ...evil });

  await eventually(() => expect(refusal()).toMatchObject({ version: evil.version }));
  expect(refusal()?.message).toBe('nginx.conf contains "alias /run/secrets/"');
  expect(loaded).toEqual(['mounted', good.version]);
});

it('a hostile trial or part never reaches nginx, and a valid one does afterwards', async () => {
  await using world = await setUp();
  const { offers, loaded, refusal } = world;
  offers.offer({ boot, ...good });
  await eventually(() => expect(loaded).toHaveLength(2));
  const evil = versionWith('include part.conf;', `server { listen 80; location / { ${secrets} } }`);

  expect(await offers.try({ boot, ...evil }, AbortSignal.timeout(10_000))).toBe(false);
  expect(refusal()).toMatchObject({ version: evil.version });

  const better = versionWith('include part.conf;', 'server { listen 80; location / { return 204; } }');
  offers.offer({ boot, ...better });
  await eventually(() => expect(loaded).toEqual(['mounted', good.version, better.version]));
});

it('an agent does not adopt a hostile version from its volume', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'volume-'));
  const nginx = (name: string, isChecked: boolean) =>
    new NginxRun({
      command: ['true'],
      mountedPath: join(folder, 'mounted', 'nginx.conf'),
      folder: join(folder, name),
      startNameRelay: async () => undefined,
      ...(isChecked ? { faultOf: (_: string, files: BriefVersion['files']) => filesFault(files, []) } : {}),
    });
  const evil = versionWith(`server { listen 80; location / { ${secrets} } }`);
  await writeFile(join(folder, 'evil.conf'), evil.files[0]!.text);
  const { version } = evil;
  const stored = { version, files: [{ path: 'nginx.conf', digest: version, at: join(folder, 'evil.conf') }] };

  await nginx('unchecked', false).adopt(stored);
  await expect(nginx('checked', true).adopt(stored)).rejects.toThrow('contains "alias /run/secrets/"');
  await rm(folder, { recursive: true });
});
