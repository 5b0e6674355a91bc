// Many routed networks: each change to them updates the proxies once, and networks without routes are left.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bed, curl, demo, eventually, proxyNetworks, published, settled } from '../support/interlock.ts';
import { configNames } from '../support/story.ts';

const count = 50;
const names = Array.from({ length: count }, (_, n) => `many-${n}`);

/** No node matches: waiting tasks are enough to make the proxies join. */
const nowhere = { Placement: { Constraints: ['node.labels.nowhere==yes'] } };

const createNetwork = (name: string) => bed.manager.docker.createNetwork({ Name: name, Driver: 'overlay' });

/** A routed service on the network of its name. */
async function createService(name: string, placement: object = {}): Promise<void> {
  await bed.manager.docker.createService({
    Name: name,
    Labels: { 'com.docker.lb.hosts': `${name}.local`, 'com.docker.lb.port': '8080' },
    TaskTemplate: { ContainerSpec: { Image: demo }, ...placement, Networks: [{ Target: name }] },
    Mode: { Replicated: { Replicas: 1 } },
  } as never);
}

async function remove(...services: readonly string[]): Promise<void> {
  await Promise.all(services.map((name) => bed.manager.docker.getService(name).remove()));
  for (const name of services) {
    // Replacing tasks with this many networks takes minutes on a busy machine.
    await eventually(() => bed.manager.docker.getNetwork(name).remove(), 300_000);
  }
}

async function joined(): Promise<number> {
  const ids = new Set(await proxyNetworks());
  const networks = await bed.manager.docker.listNetworks();
  return networks.filter(({ Id, Name }) => ids.has(Id) && Name.startsWith('many-')).length;
}

/** Number of configuration versions. Each is one update of the proxies. */
async function versions(): Promise<Set<string>> {
  return new Set((await configNames()).filter((name) => name.startsWith('com.docker.interlock.proxy.')));
}

let left: string[] = [];

beforeAll(async () => {
  left = [...names];
  await Promise.all(names.map(createNetwork));
  // All at once: each burst updates the proxies, which takes a while with this many networks.
  await Promise.all(names.map((name) => createService(name, nowhere)));
  await settled();
});

afterAll(() => remove(...left));

describe(`${count} routed networks`, () => {
  it('are all joined', async () => {
    await eventually(async () => expect(await joined()).toBe(count), 120_000);
    await settled();
  });

  it('P2: and one more service on its own network update the proxies once', async () => {
    const before = await versions();

    left = [...left, 'many-late'];
    await createNetwork('many-late');
    await createService('many-late');
    await published('many-late.local');

    expect([...(await versions()).difference(before)]).toHaveLength(1);
    expect(await joined()).toBe(count + 1);
  });

  it('are left when their services are removed', async () => {
    const start = performance.now();
    const before = await versions();
    await remove(...left.splice(0));

    const seconds = ((performance.now() - start) / 1000).toFixed(1);
    const updates = (await versions()).difference(before).size;
    console.log(`the proxies left ${count + 1} networks after ${seconds} s and ${updates} new versions`);
    await eventually(async () => expect((await curl('many-late.local')).status).toBe(503));
    expect(await joined()).toBe(0);
  });
});
