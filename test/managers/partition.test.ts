// One worker and the other nodes are partitioned. Clients reach all of them. With `PublishMode = "host"`, since the
// mesh shim does not detect that a node is gone.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { awaitPublished } from '../../bed/await-route.ts';
import { eventually, throughout } from '../support/eventually.ts';
import { FaultTraffic } from '../support/fault-traffic.ts';
import { bed, curl, defaultSettings, settled } from '../support/interlock.ts';
import {
  allReady,
  change,
  controller,
  deployApps,
  host,
  print,
  proxy,
  StatusWatch,
  spread,
  workers,
} from '../support/managers.ts';
import { applySettings, restoreSettings, type Stack } from '../support/story.ts';

let stack: Stack;

beforeAll(async () => {
  stack = await deployApps();
  await applySettings(defaultSettings.replace('"ingress"', '"host"'));
  await awaitPublished(bed, 'host');
  await settled();
  await spread(proxy);
});
afterAll(async () => {
  await restoreSettings();
  await awaitPublished(bed, 'ingress');
  await stack[Symbol.asyncDispose]();
});

/** Each of this many requests in a row, on both workers. */
async function answersSteadily(): Promise<void> {
  await eventually(
    async () => {
      for (const node of workers)
        for (let times = 0; times < 30; times++)
          expect((await curl(host, '/ping', { node, timeoutMs: 2000 })).status).toBe(200);
    },
    { timeoutMs: 120_000 },
  );
}

describe('a worker that is partitioned', () => {
  it('keeps serving, and catches up when the network is back', async () => {
    const cut = bed.node('worker2');
    const watched = await bed.nodesOf(controller);
    await using near = await FaultTraffic.start(host, ['worker1']);
    await using far = await FaultTraffic.start(host, ['worker2']);

    await cut.cutOff(bed.nodes.filter((node) => node !== cut));
    const begun = performance.now();
    await using _watch = new StatusWatch(watched);
    const changed = change(['worker1']);
    // Until the nodes detect it, half of the tasks that each proxy knows are unreachable.
    await answersSteadily();
    const steady = performance.now();
    const { liveMs } = await changed;
    await throughout(20_000, async () => {
      for (const node of workers) expect((await curl(host, '/ping', { node })).status).toBe(200);
    });
    const during = [near, far].map(({ report }) => report);
    await cut.reconnect();
    const healed = await change(workers);
    await answersSteadily();
    await allReady();

    print('worker cut off, through the other worker', await near.stop(), {
      'both answer reliably after': steady - begun,
      'change live on the other worker': liveMs,
      'change live on both after healing': healed.liveMs,
    });
    print('worker cut off, through itself', await far.stop(), {});
    // Lost requests: those at a task on the other side, and the few sent there before nginx detected it.
    for (const { total, failed, failures } of during) {
      console.log(`FAULT while partitioned: ${failed} of ${total} requests lost ${JSON.stringify(failures)}`);
      expect(failed).toBeLessThan(total / 100);
    }
  });
});
