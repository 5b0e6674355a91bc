// Maintenance of nodes: each one is drained, restarted and returned, one after the other.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { FaultTraffic } from '../support/fault-traffic.ts';
import { bed, curl } from '../support/interlock.ts';
import {
  allReady,
  change,
  deployApps,
  host,
  print,
  proxy,
  scaleControllers,
  setAvailability,
  spread,
  workers,
} from '../support/managers.ts';
import type { Stack } from '../support/story.ts';

let stack: Stack;

beforeAll(async () => {
  stack = await deployApps();
  await scaleControllers(3);
});
afterAll(async () => {
  bed.enter('manager');
  await scaleControllers(1);
  await stack[Symbol.asyncDispose]();
});

describe.each(bed.nodes.map(({ name }) => name))('%s', (name) => {
  it('is drained, restarted and returns without a lost request', async () => {
    const others = bed.nodes.map((node) => node.name).filter((other) => other !== name);
    bed.enter(bed.managers.map((node) => node.name).find((manager) => manager !== name)!);
    const begun = performance.now();
    // WebSockets end with their proxy, so only those of requests are checked.
    await using traffic = await FaultTraffic.start(host, others);

    await setAvailability(name, 'drain');
    // Tasks that Swarm has stopped may still be answering.
    await eventually(async () => expect(await bed.node(name).docker.listContainers()).toEqual([]), {
      timeoutMs: 120_000,
    });
    const drained = performance.now();
    await bed.node(name).stop();
    await bed.node(name).start();
    await setAvailability(name, 'active');
    await allReady();
    if (workers.includes(name)) await spread(stack.service(), proxy);
    const { liveMs } = await change(bed.nodes.map((node) => node.name));
    for (let times = 0; times < 10; times++) expect((await curl(host, '/ping', { node: name })).status).toBe(200);

    const report = await traffic.stop();
    print(`${name} drained, restarted and returned`, report, {
      'drained after': drained - begun,
      'complete after': performance.now() - begun,
      'change live': liveMs,
    });
    expect(report.failures).toEqual({});
  });
});
