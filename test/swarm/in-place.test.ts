// A route change reaches running proxies: no task ends, no request fails, no WebSocket closes.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type NodeName, nodeNames } from '../../bed/bed-shape.ts';
import { bed, curl, defaultSettings, eventually, settled, state } from '../support/interlock.ts';
import { Load } from '../support/load.ts';
import { answers, answersOnEveryNode, applySettings, restoreSettings, Stack } from '../support/story.ts';
import { connect } from '../support/websocket.ts';

const proxy = 'signalbox-proxy';
const stack = new Stack('place');
const secret = 'place-metrics-token';

beforeAll(async () => {
  await stack.deploy({ app: { host: 'place.local', replicas: 2 } });
  await settled();
  await answersOnEveryNode('place.local');
});
afterAll(async () => {
  await restoreSettings();
  await bed.docker('secret', 'rm', secret);
  await stack[Symbol.asyncDispose]();
});

const taskIds = () => bed.runningIds(proxy);

async function createSecret(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'secret-'));
  await writeFile(join(folder, 'token'), 'f00dcafe'.repeat(8));
  await bed.docker('secret', 'create', secret, join(folder, 'token'));
  await rm(folder, { recursive: true });
}

async function setHosts(hosts: string): Promise<void> {
  const label = `com.docker.lb.hosts=${hosts}`;
  await bed.docker('service', 'update', '--detach', '--quiet', '--label-add', label, stack.service());
}

/** Memory of the agent in a proxy, in MiB: resident, and private. */
async function agentMemory(): Promise<{ readonly resident: number; readonly own: number }> {
  // Process 1 is the engine's init, and the agent is its only child. A health check may run beside it.
  const status = await bed.exec(proxy, 'sh', '-c', 'read -r agent _ </proc/1/task/1/children; cat /proc/$agent/status');
  const mib = (field: string) => Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(status)?.[1]) / 1024;
  return { resident: mib('VmRSS'), own: mib('RssAnon') };
}

/** Workers of a proxy's nginx that accept connections. */
async function workers(): Promise<number> {
  const program = `const pid = fs.readFileSync('/tmp/nginx.pid', 'utf8').trim();
    const workers = fs.readFileSync('/proc/' + pid + '/task/' + pid + '/children', 'utf8').split(' ').filter(Boolean);
    workers.filter((pid) => !fs.readFileSync('/proc/' + pid + '/cmdline', 'utf8').includes('shutting down')).length`;
  return Number(await bed.exec(proxy, 'node', '-p', program));
}

describe('a route change', () => {
  it('is live on every replica, in the same tasks, with no failed request or closed WebSocket', async () => {
    const before = await taskIds();
    const workersBefore = await workers();
    await using load = new Load({ host: 'place.local' });
    await using socket = await connect('place.local', '/ws');

    for (const host of ['first.local', 'second.local', 'third.local']) {
      await setHosts(`place.local,${host}`);
      await answersOnEveryNode(host);
    }
    await settled();

    expect(await socket.exchange('still here')).toContain('still here');
    const report = await load.stop();
    expect(report.failures).toEqual({});
    expect(report.total).toBeGreaterThan(0);
    expect(await taskIds()).toEqual(before);
    // The agent ends old workers itself: nginx starts none in their place.
    await eventually(async () => expect(await workers()).toBe(workersBefore));
    // Replaced routes are gone everywhere as well.
    expect((await curl('first.local', '/ping')).status).toBe(503);
    const [cluster] = (await state()).clusters;
    expect(cluster!.replicas.map(({ version }) => version)).toEqual(before.map(() => cluster!.version));
  });

  it('that a replica rejects goes to no other replica, and is explained', async () => {
    const withMetrics = `${defaultSettings.trimEnd()}\nMetricsSecret = "${secret}"\n`;
    await createSecret();
    await applySettings(withMetrics);
    await settled();
    const before = await taskIds();
    // nginx rejects the second mention of a file that only agents write: the extension's nginx accepts it.
    const include = 'include /tmp/signalbox/metrics.conf*;';
    await applySettings(`${withMetrics}\n[Extensions.default.Config]\nHTTPOptions = ["${include}"]\n`);

    await eventually(async () => {
      const { problems } = await state();
      expect(problems.map(({ reason }) => reason)).toContainEqual(expect.stringContaining('A proxy rejected'));
    }, 120_000);
    for (let times = 0; times < 10; times++) expect((await curl('place.local', '/ping')).status).toBe(200);
    expect(await taskIds()).toEqual(before);

    await applySettings(withMetrics);
    await settled();
    expect((await state()).problems).toEqual([]);
    expect(await taskIds()).toEqual(before);
    await restoreSettings();
    await settled();
  });
});

describe('a restarted proxy', () => {
  it('serves the last version and its certificates, with controller and extension down', async () => {
    const secure = async (node: NodeName) => (await curl('latest.local', '/ping', { tls: true, node })).status;
    await setHosts('place.local,latest.local');
    await bed.docker(
      'service',
      'update',
      '--detach',
      '--quiet',
      '--label-add',
      'com.docker.lb.acme=internal',
      stack.service(),
    );
    await settled();
    await answersOnEveryNode('latest.local');
    await eventually(async () => expect(await secure('worker1')).toBe(200));
    await settled();
    await bed.docker('service', 'scale', '--detach', 'signalbox_controller=0', 'signalbox-extension=0');
    await eventually(async () => {
      expect(await bed.running('signalbox_controller')).toEqual([]);
      expect(await bed.running('signalbox-extension')).toEqual([]);
    });
    const before = await taskIds();

    // It ends with nginx: the engine's init is process 1, and the agent is its only child.
    await bed.exec(proxy, 'sh', '-c', 'kill -9 $(cat /tmp/nginx.pid)');

    await eventually(async () => {
      const now = await taskIds();
      expect(now).toHaveLength(before.length);
      expect(now).not.toEqual(before);
    });
    await answersOnEveryNode('latest.local');
    for (const node of nodeNames) expect(await secure(node)).toBe(200);
    await bed.docker('service', 'scale', '--detach', 'signalbox_controller=1', 'signalbox-extension=1');
    await bed.docker('service', 'update', '--detach', '--quiet', '--label-rm', 'com.docker.lb.acme', stack.service());
    await settled();
    await answers('latest.local');
  });

  it('has an agent with little memory', async () => {
    expect(await bed.exec(proxy, 'cat', '/proc/1/comm')).toMatch(/docker-init|tini/);
    const { resident, own } = await agentMemory();
    console.log(`an agent uses ${own.toFixed(1)} MiB of private memory, ${resident.toFixed(1)} MiB with shared memory`);
    // The rest is pages of the Node binary, which all its processes on a machine share, and which the kernel may drop.
    expect(own).toBeGreaterThan(5);
    expect(own).toBeLessThan(40);
  });
});
