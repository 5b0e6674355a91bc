// The main function: a stack with labels is routed, scaled, updated and removed under traffic.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { nodeNames } from '../../bed/bed-shape.ts';
import { eventually } from '../support/eventually.ts';
import {
  bed,
  curl,
  pings,
  proxyConfiguration,
  proxyIdentity,
  proxyNetworks,
  removeStack,
  settled,
  state,
} from '../support/interlock.ts';
import { Load } from '../support/load.ts';
import {
  type AppOptions,
  answersOnEveryNode,
  configNames,
  instancesOf,
  Stack,
  serviceIndex,
} from '../support/story.ts';

const main = new Stack('story');
const app: AppOptions = { host: 'story.local', replicas: 1 };
const shared = new Stack('story-shared');
const short = new Stack('story-short');

beforeAll(async () => {
  await main.deploy({ app });
  await shared.deploy({
    many: { host: 'shared.local', replicas: 4, version: 'many' },
    one: { host: 'shared.local', replicas: 1, version: 'one' },
  });
  await short.deploy({ app: { host: 'short.local' } });
  await settled();
  for (const host of ['story.local', 'shared.local', 'short.local']) await answersOnEveryNode(host);
});

afterAll(async () => {
  for (const stack of [main, shared, short]) await stack[Symbol.asyncDispose]();
});

/** What must not change while tasks of applications come and go, except that surplus configurations may be removed. */
async function untouched() {
  return { index: await serviceIndex(), tasks: await proxyIdentity(), configs: await configNames() };
}

async function expectUntouched({ index, tasks, configs }: Awaited<ReturnType<typeof untouched>>): Promise<void> {
  const now = await untouched();
  expect(now).toMatchObject({ index, tasks });
  expect(configs).toEqual(expect.arrayContaining(now.configs));
}

async function expectInstances(count: number): Promise<void> {
  await eventually(async () => expect((await instancesOf('story.local')).size).toBe(count));
}

describe('a stack with labels', () => {
  it.each(nodeNames)('answers on %s', async (node) => {
    const { status, body } = await curl('story.local', '/ping', { node });

    expect(status).toBe(200);
    expect(JSON.parse(body)).toMatchObject({ instance: expect.any(String), request_id: expect.any(String) });
  });

  it('is listed by the controller', async () => {
    const { routes, error } = await state();

    expect(error).toBeNull();
    expect(routes.find(({ host }) => host === 'story.local')).toMatchObject({
      cluster: 'default',
      host: 'story.local',
      hostKind: 'exact',
      path: '/',
      rewrite: false,
      services: ['story_app'],
      available: true,
    });
  });

  it.each(nodeNames)('does not answer for an unknown host, which gets a plain page on %s', async (node) => {
    const { status, headers, body } = await curl('nobody.local', '/any/path', { node });

    expect(status).toBe(503);
    expect(headers['content-type']).toMatch(/^text\/html/);
    expect(headers.server).toBe('nginx');
    expect(body).toContain('503');
  });
});

describe('scaling', () => {
  it('1 → 4 → 2 loses no request and updates no proxy', async () => {
    const before = await untouched();
    await using load = new Load({ host: 'story.local' });

    await main.scale(4);
    await expectInstances(4);
    await main.scale(2);
    await bed.settle(main.service(), 2);
    await expectInstances(2);

    const { total, failures } = await load.stop();
    expect(failures).toEqual({});
    expect(total).toBeGreaterThan(300);
    await expectUntouched(before);
  });

  it('to 0 answers 503 from the configuration, serves again afterwards, and replaces no proxy', async () => {
    const proxies = await proxyIdentity();
    await main.scale(0);
    await eventually(async () => expect((await curl('story.local', '/ping')).status).toBe(503));
    await settled();

    expect(await proxyConfiguration()).not.toContain('tasks.story_app');
    expect((await state()).routes.find(({ host }) => host === 'story.local')).toMatchObject({ available: false });
    for (const node of nodeNames) expect((await curl('story.local', '/ping', { node })).status).toBe(503);

    await main.scale(3);
    await settled();
    await answersOnEveryNode('story.local');
    await expectInstances(3);
    expect(await proxyIdentity()).toEqual(proxies);
  });
});

describe('a rolling update of the application', () => {
  it.each(['stop-first', 'start-first'] as const)('%s loses no request', async (order) => {
    // Repeating it is an update again.
    const version = `updated-${order}-${Date.now()}`;
    const before = await untouched();
    await using load = new Load({ host: 'story.local', requestsPerSecond: 200 });

    await main.deploy({ app: { ...app, replicas: 3, order, version } });
    await awaitUpdate(version);
    await eventually(async () => {
      const answered = (await pings('story.local', 24)).map((pong) => pong.version);
      expect(new Set(answered)).toEqual(new Set([version]));
    });

    const { total, failures } = await load.stop();
    expect(failures).toEqual({});
    expect(total).toBeGreaterThan(500);
    await expectUntouched(before);
  });

  async function awaitUpdate(version: string): Promise<void> {
    await eventually(
      async () => {
        const { Spec, UpdateStatus } = await bed.manager.docker.getService(main.service()).inspect();
        expect(Spec.TaskTemplate.ContainerSpec.Env).toContain(`VERSION=${version}`);
        // Swarm begins the update a moment after the change.
        expect(UpdateStatus?.State).toBe('completed');
      },
      { timeoutMs: 120_000 },
    );
  }
});

describe('two services on one host', () => {
  it('share it in proportion to their tasks', async () => {
    const requests = 500;
    const versions = (await pings('shared.local', requests)).map(({ version }) => version);
    const share = versions.filter((version) => version === 'one').length / requests;

    console.log(`1 of 5 tasks answers ${(100 * share).toFixed(1)} % of the requests`);
    expect(share).toBeGreaterThan(0.15);
    expect(share).toBeLessThan(0.25);
  });
});

describe('a removed stack', () => {
  it('is gone within 30 s, its route answers 503, and the proxies have left its network', async () => {
    const [network] = await bed.manager.docker.listNetworks({ filters: { name: ['story-short_app'] } });
    const start = performance.now();
    await removeStack('story-short', 30_000);
    console.log(`stack rm took ${((performance.now() - start) / 1000).toFixed(1)} s`);

    const { routes } = await settled();
    expect(routes.filter(({ host }) => host === 'short.local')).toEqual([]);
    for (const node of nodeNames) expect((await curl('short.local', '/ping', { node })).status).toBe(503);
    expect(await proxyNetworks()).not.toContain(network!.Id);
    expect((await curl('story.local', '/ping')).status).toBe(200);
  });

  it('makes room for the next one, whose network may get its addresses while a node still holds them', async () => {
    await short.deploy({ app: { host: 'short.local' } });
    await settled();
    await removeStack('story-short', 30_000);

    await short.deploy({ app: { host: 'next.local' } });

    await answersOnEveryNode('next.local');
  });
});
