// A worker fails with the proxy and the tasks on it.
import { describe, expect, it } from 'vitest';
import { type NodeName, nodeNames } from '../../bed/bed-shape.ts';
import { eventually } from '../support/eventually.ts';
import { bed, curl, settled } from '../support/interlock.ts';
import { answers, answersOnEveryNode, deployStack, instancesOf } from '../support/story.ts';

const proxy = 'signalbox-proxy';

describe('a worker that is lost', () => {
  it('does not keep the others from answering, and comes back', async () => {
    await using stack = await deployStack('lost', { app: { host: 'lost.local', replicas: 3 } });
    await answersOnEveryNode('lost.local');
    await settled();
    expect(await bed.nodeOfEachTask(proxy)).toEqual(['worker1', 'worker2']);
    const name = 'worker1';
    const lost = await bed.node(name).swarmId();
    const left = nodeNames.filter((node) => node !== name);

    await bed.node(name).kill();
    const start = performance.now();
    for (const node of left) await answersTwenty(node);
    console.log(`answered again after ${((performance.now() - start) / 1000).toFixed(1)} s`);

    await bed.settle(stack.service(), 3);
    await bed.settle(proxy, 2);
    for (const service of [proxy, stack.service()])
      expect((await bed.running(service)).map(({ NodeID }) => NodeID)).not.toContain(lost);
    await eventually(async () => expect((await instancesOf('lost.local', 24, left[0])).size).toBe(3));

    await bed.node(name).start();
    await eventually(async () =>
      expect(await bed.docker('node', 'ls', '--format', '{{.Status}}')).toBe('Ready\nReady\nReady\n'),
    );
    await answers('lost.local', name);
    await eventually(async () => expect(await bed.nodeOfEachTask(proxy)).toEqual(['worker1', 'worker2']), {
      timeoutMs: 120_000,
    });
    await settled();
  });

  /** Each of this many requests in a row. */
  async function answersTwenty(node: NodeName): Promise<void> {
    await eventually(async () => {
      for (let times = 0; times < 20; times++)
        expect((await curl('lost.local', '/ping', { node, timeoutMs: 2000 })).status).toBe(200);
    });
  }
});
