// All managers are lost with their data, and the swarm is restored from a backup, as in docs/guides/backup.md.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { NodeName } from '../../bed/bed-shape.ts';
import { formSwarm } from '../../bed/swarm-membership.ts';
import { eventually } from '../support/eventually.ts';
import { FaultTraffic } from '../support/fault-traffic.ts';
import { bed, curl } from '../support/interlock.ts';
import {
  allReady,
  change,
  deployApps,
  expectNoLoss,
  host,
  leader,
  managersExcept,
  proxy,
  workers,
} from '../support/managers.ts';
import type { Stack } from '../support/story.ts';

const folder = '/var/lib/docker';
let stack: Stack;

beforeAll(async () => {
  stack = await deployApps();
});
afterAll(() => stack[Symbol.asyncDispose]());

/** Of a manager that is not the leader, with its engine stopped. */
async function backUp(): Promise<{ name: NodeName; archive: Buffer }> {
  const leading = await leader();
  const [name] = managersExcept(leading) as [NodeName];
  bed.enter(leading);
  const node = bed.node(name);
  await node.stop();
  const archive = await node.readFolder(`${folder}/swarm`);
  await node.start();
  await allReady();
  return { name, archive };
}

/** The data of the swarm is gone, too. */
async function lose(name: NodeName): Promise<void> {
  const node = bed.node(name);
  expect(await node.exec('rm', '-rf', `${folder}/swarm`)).toBe(0);
  await node.kill();
}

describe('all managers lost with their data', () => {
  it('lose no request, and a restored backup brings back the routes of its time', async () => {
    const { name, archive } = await backUp();
    const restored = bed.node(name);
    const before = await bed.runningIds(proxy);
    await using traffic = await FaultTraffic.start(host, workers);
    await change(workers);

    await Promise.all(bed.managers.map((manager) => lose(manager.name)));
    const lost = performance.now();
    await restored.writeFolder(folder, archive);
    await restored.start();
    bed.enter(name);
    await restored.docker.swarmInit({
      ListenAddr: '0.0.0.0:2377',
      AdvertiseAddr: restored.ip,
      ForceNewCluster: true,
    });
    for (const other of managersExcept(name)) await bed.node(other).start();
    // Joining may take longer than the engine waits for it, and then continues in the background.
    await eventually(() => formSwarm([restored, ...bed.nodes.filter((node) => node !== restored)]), {
      timeoutMs: 180_000,
      intervalMs: 2000,
    });
    await allReady();
    const ready = performance.now();

    // The change that was made after the backup is gone; the next one is live as usual.
    const { liveMs } = await change(workers);
    await eventually(async () => expect((await curl(host, '/ping', { node: name })).status).toBe(200));
    expect(await bed.runningIds(proxy)).toEqual(before);
    await expectNoLoss('all managers lost, restored from a backup', traffic, {
      'healthy after': ready - lost,
      'change live': liveMs,
    });
  });
});
