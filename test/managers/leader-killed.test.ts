// The leader of the swarm fails: with the only controller on it, and with controllers on all managers.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { NodeName } from '../../bed/bed-shape.ts';
import { eventually } from '../support/eventually.ts';
import { FaultTraffic } from '../support/fault-traffic.ts';
import { bed, state } from '../support/interlock.ts';
import {
  allReady,
  change,
  controller,
  deployApps,
  expectNoLoss,
  host,
  leader,
  managersExcept,
  moveController,
  proxy,
  StatusWatch,
  scaleControllers,
  workers,
} from '../support/managers.ts';
import type { Stack } from '../support/story.ts';

let stack: Stack;

beforeAll(async () => {
  stack = await deployApps();
});
afterAll(async () => {
  await scaleControllers(1);
  await stack[Symbol.asyncDispose]();
});

/** Kills the leader under traffic and resolves when it is back. */
async function killLeader(fault: string): Promise<void> {
  const lost = await leader();
  const [survivor] = managersExcept(lost) as [NodeName];
  bed.enter(survivor);
  const before = await bed.runningIds(proxy);
  const nodes = [...workers, survivor];
  await using traffic = await FaultTraffic.start(host, nodes);
  const reference = await change(nodes);

  await bed.node(lost).kill();
  const begun = performance.now();
  await using _watch = new StatusWatch(managersExcept(lost));
  const { acceptedMs, liveMs } = await change(nodes);
  await eventually(async () => expect((await state()).error).toBeNull());
  const times = {
    'live before the fault': reference.liveMs,
    'change accepted': acceptedMs,
    'change live': liveMs,
    'page healthy': performance.now() - begun,
  };
  expect(await leader()).not.toBe(lost);

  await bed.node(lost).start();
  await allReady();
  expect(await bed.runningIds(proxy)).toEqual(before);
  await expectNoLoss(fault, traffic, times);
}

describe('a leader that is killed', () => {
  it('takes the only controller with it: no request is lost, and another controller makes the change', async () => {
    await moveController(await leader());
    await killLeader('leader killed, with the only controller');
  });

  it('leaves controllers on the other managers: no request is lost, and the page stays reachable', async () => {
    await scaleControllers(3);
    expect(await bed.nodesOf(controller)).toHaveLength(3);
    await killLeader('leader killed, controllers on all managers');
  });
});
