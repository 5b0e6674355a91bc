// A controller on every manager: together they write what one would write.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { throughout } from '../support/eventually.ts';
import { FaultTraffic } from '../support/fault-traffic.ts';
import { bed, settled } from '../support/interlock.ts';
import {
  change,
  controller,
  deployApps,
  expectNoLoss,
  host,
  proxy,
  scaleControllers,
  workers,
} from '../support/managers.ts';
import { answers, configNames, deployStack, type Stack, serviceIndex } from '../support/story.ts';

const extension = 'signalbox-extension';
const CHANGES = 10;

let stack: Stack;

beforeAll(async () => {
  stack = await deployApps();
  await scaleControllers(3);
});
afterAll(async () => {
  await scaleControllers(1);
  await stack[Symbol.asyncDispose]();
});

const versionNames = async () => (await configNames()).filter((name) => name.startsWith('com.docker.interlock.proxy.'));
const allTasks = async () => (await bed.tasks(proxy)).map(({ ID }) => ID);

interface LogLine {
  readonly level: number;
  readonly msg: string;
  readonly err?: { readonly type?: string; readonly message?: string };
}

/** Errors that controllers have logged since then. */
async function errorsSince(since: string): Promise<string[]> {
  const text = await bed.docker('service', 'logs', '--raw', '--since', since, controller);
  const lines = text.split('\n').filter((line) => line.startsWith('{'));
  return lines
    .map((line) => JSON.parse(line) as LogLine)
    .filter(({ level }) => level >= 50)
    .map(({ msg, err }) => `${msg}: ${err?.type} ${err?.message}`);
}

describe('controllers on all managers', () => {
  it('create one version for each change, in place, and log no errors except conflicts', async () => {
    expect(await bed.nodesOf(controller)).toEqual(['manager', 'manager2', 'manager3']);
    const since = new Date().toISOString();
    await using traffic = await FaultTraffic.start(host, [...workers, 'manager']);
    const indices = async () => Promise.all([proxy, extension].map(serviceIndex));
    const before = { indices: await indices(), tasks: await allTasks() };
    const times: number[] = [];

    for (let n = 0; n < CHANGES; n++) {
      const known = await versionNames();
      times.push((await change([...workers, 'manager'])).liveMs);
      await settled();
      expect((await versionNames()).filter((name) => !known.includes(name))).toHaveLength(1);
    }

    expect({ indices: await indices(), tasks: await allTasks() }).toEqual(before);
    expect((await errorsSince(since)).filter((line) => !/conflict|has changed since/i.test(line))).toEqual([]);
    const median = times.toSorted((a, b) => a - b)[CHANGES / 2]!;
    await expectNoLoss(`${CHANGES} changes with controllers on all managers`, traffic, {
      'change live (median)': median,
    });
  });

  it('roll out a new network once', async () => {
    const before = await allTasks();
    await using _network = await deployStack('managers-network', {
      app: { host: 'network.managers.local', constraints: ['node.role==worker'] },
    });
    await answers('network.managers.local');
    const index = await serviceIndex();
    await throughout(5000, async () => expect(await serviceIndex()).toBe(index));

    // Swarm lists replaced tasks for a while, so a second roll-out would be visible.
    expect((await allTasks()).filter((id) => !before.includes(id))).toHaveLength(2);
  });
});
