// A mistake in one service is explained to its owner and never affects another. Old configurations do not accumulate.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { bed, curl, problemsOf, proxyConfiguration, settled, state } from '../support/interlock.ts';
import { type AppOptions, type Apps, answers, configNames, Stack } from '../support/story.ts';

const stack = new Stack('problems');
const good: AppOptions = { host: 'good.local' };
const bad: Apps = {
  port: { host: 'port.bad.local', labels: { 'com.docker.lb.port': 'eighty' } },
  network: { host: 'network.bad.local', networks: ['app', 'other'] },
  host: { host: 'bad_host!.local' },
};

beforeAll(async () => {
  await stack.deploy({ good });
  await settled();
  await answers('good.local');
});
afterAll(() => stack[Symbol.asyncDispose]());

/** All blocks of the configuration for a host and the tasks behind it. */
async function partOf(host: string, tasks: string): Promise<string[]> {
  const blocks = (await proxyConfiguration()).match(/^ {4}(upstream|server) [\s\S]*?^ {4}\}$/gm) ?? [];
  return blocks.filter((block) => block.includes(host) || block.includes(tasks));
}

describe('invalid labels', () => {
  it('are listed and logged once, close their routes, and change nothing for others', async () => {
    const before = await partOf('good.local', 'tasks.problems_good');
    expect(before).toHaveLength(2);

    await stack.deploy({ good, ...bad });
    await settled();

    expect(await problemsOf('problems_port')).toEqual([
      expect.objectContaining({ severity: 'error', label: 'com.docker.lb.port', value: 'eighty' }),
    ]);
    expect(await problemsOf('problems_network')).toEqual([
      expect.objectContaining({ severity: 'error', label: 'com.docker.lb.network' }),
    ]);
    expect(await problemsOf('problems_host')).toEqual([
      expect.objectContaining({ severity: 'error', label: 'com.docker.lb.hosts', value: 'bad_host!.local' }),
    ]);
    expect(await problemsOf('problems_good')).toEqual([]);
    expect(await partOf('good.local', 'tasks.problems_good')).toEqual(before);
    expect((await curl('good.local', '/ping')).status).toBe(200);
    for (const host of ['port.bad.local', 'network.bad.local']) expect((await curl(host)).status).toBe(503);
  });

  it('are logged once when they appear and once when they are fixed', async () => {
    await settled();
    await settled();
    expect(await logged('problems_network')).toEqual(['Problem appeared']);

    const network = { ...bad.network, labels: { 'com.docker.lb.network': 'problems_other' } };
    await stack.deploy({ good, ...bad, network });
    await settled();

    await answers('network.bad.local');
    expect(await problemsOf('problems_network')).toEqual([]);
    expect(await logged('problems_network')).toEqual(['Problem appeared', 'Problem resolved']);
  });

  async function logged(service: string): Promise<string[]> {
    const lines = (await bed.logs('signalbox_controller', 2000)).split('\n').filter((line) => line.startsWith('{'));
    const entries = lines.map((line) => JSON.parse(line) as { msg: string; service?: string });
    return entries.filter((entry) => entry.service === service).map(({ msg }) => msg);
  }
});

describe('old configurations', () => {
  it('are removed: the last ten stay, beside what is served', async () => {
    const ours = async () => (await configNames()).filter((name) => name.startsWith('com.docker.interlock.proxy.'));
    for (let change = 0; change < 13; change++) {
      const { version } = (await state()).clusters[0]!;
      const label = `com.docker.lb.hosts=good.local,change-${change}.local`;
      await bed.docker('service', 'update', '--detach', '--quiet', '--label-add', label, stack.service('good'));
      await eventually(async () => expect((await state()).clusters[0]?.version).not.toBe(version));
    }
    await settled();

    await answers('change-12.local');
    // Beside the ten: what is served, what tasks are started for, and the target of a Swarm roll-back.
    await eventually(async () => expect((await ours()).length).toBeLessThanOrEqual(13));
    expect((await ours()).length).toBeGreaterThanOrEqual(10);
  });
});
