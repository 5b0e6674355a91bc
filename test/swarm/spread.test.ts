// Swarm never moves a task: the controller spreads replicas that have ended up on one node, without losing a request.
import { describe, expect, it } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { bed, defaultSettings, settled, state } from '../support/interlock.ts';
import { Load, type LoadReport } from '../support/load.ts';
import { answersOnEveryNode, applySettings, deployStack, restoreSettings } from '../support/story.ts';

const proxy = 'signalbox-proxy';
const host = 'spread.local';
const uneven = `Replicas of ${proxy} are unevenly spread: 2 on worker1, none on worker2`;

describe('replicas on one worker', () => {
  it('are spread again when the other one returns, without losing a request', async () => {
    await using _ = await deployStack('spread', { app: { host, replicas: 2 } });
    await answersOnEveryNode(host);
    await spread();
    await using worker2 = await drain('worker2');
    await eventually(async () => expect(await bed.nodeOfEachTask(proxy)).toEqual(['worker1', 'worker1']));
    await settled();
    const before = await taskIds();

    const report = await underLoad(async () => {
      await worker2.activate();
      await eventually(async () => expect((await reasons()).join()).toContain(uneven));
      await spread();
    });

    expect(report.failures).toEqual({});
    // One has stayed.
    expect((await taskIds()).filter((id) => before.includes(id))).toHaveLength(1);
  });

  it('are spread again after every roll-out', async () => {
    await using _ = await deployStack('spread', { app: { host, replicas: 2 } });
    await spread();

    const report = await underLoad(async () => {
      for (let times = 0; times < 4; times++) {
        await bed.docker('service', 'update', '--force', '--quiet', proxy);
        console.log(`after roll-out ${times + 1}: ${(await bed.nodeOfEachTask(proxy)).join(', ')}`);
        await spread();
      }
    });

    expect(report.failures).toEqual({});
  });
});

describe('one proxy on each node', () => {
  it('also on a node that joins later, and answers there within 30 s', async () => {
    await using _ = await deployStack('spread', { app: { host, replicas: 2 } });
    await using worker2 = await drain('worker2');
    await using __ = { [Symbol.asyncDispose]: () => restoreSettings() };
    await applySettings(defaultSettings.replace(/^( *ProxyReplicas = ).*/m, '$1"global"'));
    await eventually(async () => expect(await bed.nodeOfEachTask(proxy)).toEqual(['worker1']), { timeoutMs: 60_000 });
    await answersOnEveryNode(host);

    await worker2.activate();
    await eventually(async () => expect(await bed.nodeOfEachTask(proxy)).toEqual(['worker1', 'worker2']), {
      timeoutMs: 30_000,
    });
    await answersOnEveryNode(host);
    await restoreSettings();
    await spread();
  });
});

async function underLoad(action: () => Promise<void>): Promise<LoadReport> {
  await using load = new Load({ host });
  await action();
  return load.stop();
}

/** Each worker runs one, and no move is pending. */
async function spread(): Promise<void> {
  await settled();
  expect(await bed.nodeOfEachTask(proxy)).toEqual(['worker1', 'worker2']);
}

async function reasons(): Promise<string[]> {
  return (await state()).problems.map(({ reason }) => reason);
}

async function taskIds(): Promise<string[]> {
  return (await bed.running(proxy)).map(({ ID }) => ID);
}

/** The node returns when the test is over. */
async function drain(node: string) {
  const setAvailability = (value: string) => bed.docker('node', 'update', '--availability', value, node);
  const activate = () => setAvailability('active');
  await setAvailability('drain');
  return { activate, [Symbol.asyncDispose]: async () => void (await activate()) };
}
