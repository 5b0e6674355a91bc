// Two of three managers fail: the swarm has no leader, so nothing can be changed. Traffic continues.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { NodeName } from '../../bed/bed-shape.ts';
import { throughout } from '../support/eventually.ts';
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
  StatusWatch,
  scaleControllers,
  workers,
} from '../support/managers.ts';
import type { Stack } from '../support/story.ts';

let stack: Stack;

beforeAll(async () => {
  stack = await deployApps();
  await scaleControllers(3);
});
afterAll(async () => {
  await scaleControllers(1);
  await stack[Symbol.asyncDispose]();
});

describe('a lost quorum', () => {
  it('loses no request, and a change waits and is live when the managers are back', async () => {
    const leading = await leader();
    const [survivor, other] = managersExcept(leading) as [NodeName, NodeName];
    bed.enter(survivor);
    const nodes = [...workers, survivor];
    const before = [await bed.runningIds(proxy), await bed.runningIds(stack.service())];
    await using traffic = await FaultTraffic.start(host, nodes);

    await Promise.all([bed.node(leading).kill(), bed.node(other).kill()]);
    const lost = performance.now();
    const live = change(nodes);
    await using _watch = new StatusWatch([survivor]);
    await throughout(20_000, async () => {
      for (const node of nodes) expect((await curl(host, '/ping', { node })).status).toBe(200);
    });
    await expect(bed.docker('service', 'ls')).rejects.toThrow();
    const back = performance.now();
    await Promise.all([bed.node(leading).start(), bed.node(other).start()]);
    await live;
    const done = performance.now();
    await allReady();
    const healthy = performance.now();

    // Swarm has found the tasks where they were, and kept them.
    expect([await bed.runningIds(proxy), await bed.runningIds(stack.service())]).toEqual(before);
    await expectNoLoss('quorum lost and regained', traffic, {
      'without quorum': back - lost,
      'change live after the managers are started': done - back,
      'all healthy after': healthy - back,
    });
  });
});
