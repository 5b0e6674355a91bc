// A worker dies with the proxy and the tasks on it.
import { describe, expect, it } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { bed, curl, settled } from '../support/interlock.ts';
import { answers, answersOnEveryNode, deployStack, instancesOf } from '../support/story.ts';

const proxy = 'signalbox-proxy';
const left = ['worker1', 'manager'] as const;

describe('a worker that is lost', () => {
  it('leaves the others answering, and comes back', async () => {
    // Where earlier stories lost a node, both proxies may be on the other one.
    await spread(proxy);
    await using stack = await deployStack('lost', { app: { host: 'lost.local', replicas: 3 } });
    await answersOnEveryNode('lost.local');
    const worker = bed.node('worker2');
    const lost = (await worker.swarmId())!;
    expect((await bed.running(proxy)).map(({ NodeID }) => NodeID)).toContain(lost);

    await worker.kill();
    const start = performance.now();
    for (const node of left) await answersTwenty(node);
    console.log(`answered again after ${((performance.now() - start) / 1000).toFixed(1)} s`);
    expect(performance.now() - start).toBeLessThan(30_000);

    await bed.settle(stack.service(), 3);
    await bed.settle(proxy, 2);
    for (const service of [proxy, stack.service()])
      expect((await bed.running(service)).map(({ NodeID }) => NodeID)).not.toContain(lost);
    await eventually(async () => expect((await instancesOf('lost.local')).size).toBe(3));

    await worker.start();
    await eventually(async () =>
      expect(await bed.docker('node', 'ls', '--format', '{{.Status}}')).toBe('Ready\nReady\nReady\n'),
    );
    await answers('lost.local', 'worker2');
    await settled();
    await spread(proxy, stack.service());
  });

  /** Every one of so many requests in a row. */
  async function answersTwenty(node: (typeof left)[number]): Promise<void> {
    await eventually(async () => {
      for (let times = 0; times < 20; times++)
        expect((await curl('lost.local', '/ping', { node, timeoutMs: 2000 })).status).toBe(200);
    });
  }

  /** Swarm does not move tasks back on its own; the stories after this one want a proxy on each worker again. */
  async function spread(...services: string[]): Promise<void> {
    for (const service of services) await bed.docker('service', 'update', '--detach', '--quiet', '--force', service);
    await eventually(async () => expect(new Set((await bed.running(proxy)).map(({ NodeID }) => NodeID)).size).toBe(2), {
      timeoutMs: 120_000,
    });
    await settled();
  }
});
