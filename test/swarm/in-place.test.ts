// A change of routes reaches proxies that run: no task ends, no request fails, no WebSocket closes.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bed, curl, defaultSettings, eventually, settled, state } from '../support/interlock.ts';
import { Load } from '../support/load.ts';
import { answers, answersOnEveryNode, applySettings, restoreSettings, Stack } from '../support/story.ts';
import { connect } from '../support/websocket.ts';

const proxy = 'signalbox-proxy';
const stack = new Stack('place');

beforeAll(async () => {
  await stack.deploy({ app: { host: 'place.local', replicas: 2 } });
  await settled();
  await answersOnEveryNode('place.local');
});
afterAll(async () => {
  await restoreSettings();
  await stack[Symbol.asyncDispose]();
});

const taskIds = async () => (await bed.running(proxy)).map(({ ID }) => ID).toSorted();

async function setHosts(hosts: string): Promise<void> {
  const label = `com.docker.lb.hosts=${hosts}`;
  await bed.docker('service', 'update', '--detach', '--quiet', '--label-add', label, stack.service());
}

/** Memory of the agent in a proxy, in MiB: all that is resident, and what is its own alone. */
async function agentMemory(): Promise<{ readonly resident: number; readonly own: number }> {
  const script = 'for p in /proc/[0-9]*; do case $(readlink $p/exe) in */node) cat $p/status;; esac; done';
  const status = await bed.exec(proxy, 'sh', '-c', script);
  const mib = (field: string) => Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(status)?.[1]) / 1024;
  return { resident: mib('VmRSS'), own: mib('RssAnon') };
}

describe('a change of routes', () => {
  it('is live on every replica, in the same tasks; nothing fails and WebSockets stay', async () => {
    const before = await taskIds();
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
    // What was changed away is gone everywhere as well.
    expect((await curl('first.local', '/ping')).status).toBe(503);
    const [cluster] = (await state()).clusters;
    expect(cluster!.replicas.map(({ version }) => version)).toEqual(before.map(() => cluster!.version));
  });

  it('that a replica refuses stays away from all, and is explained', async () => {
    const before = await taskIds();
    // The extension has no such file, so that its nginx finds nothing wrong.
    const refused = `${defaultSettings}\n[Extensions.default.Config]\nHTTPOptions = ["include /usr/local/bin/prepare-materia*;"]\n`;
    await applySettings(refused);

    await eventually(async () => {
      const { problems } = await state();
      expect(problems.map(({ reason }) => reason)).toContainEqual(expect.stringContaining('A proxy refuses'));
    }, 120_000);
    for (let times = 0; times < 10; times++) expect((await curl('place.local', '/ping')).status).toBe(200);
    expect(await taskIds()).toEqual(before);

    await restoreSettings();
    expect((await state()).problems).toEqual([]);
    expect(await taskIds()).toEqual(before);
  });
});

describe('a proxy that starts anew', () => {
  it('serves what was served last, with controller and extension away', async () => {
    await setHosts('place.local,latest.local');
    await settled();
    await answersOnEveryNode('latest.local');
    await bed.docker('service', 'scale', '--detach', 'signalbox_controller=0', 'signalbox-extension=0');
    await eventually(async () => {
      expect(await bed.running('signalbox_controller')).toEqual([]);
      expect(await bed.running('signalbox-extension')).toEqual([]);
    });
    const before = await taskIds();

    // It lives and ends with nginx: the engine's init is first, the agent is its only child.
    await bed.exec(proxy, 'sh', '-c', 'kill -9 $(cat /tmp/nginx.pid)');

    await eventually(async () => {
      const now = await taskIds();
      expect(now).toHaveLength(before.length);
      expect(now).not.toEqual(before);
    });
    await answersOnEveryNode('latest.local');
    await bed.docker('service', 'scale', '--detach', 'signalbox_controller=1', 'signalbox-extension=1');
    await settled();
    await answers('latest.local');
  });

  it('has an agent that is small', async () => {
    expect(await bed.exec(proxy, 'cat', '/proc/1/comm')).toMatch(/docker-init|tini/);
    const { resident, own } = await agentMemory();
    console.log(`an agent takes ${own.toFixed(1)} MiB of its own, ${resident.toFixed(1)} MiB with what it shares`);
    // The rest is pages of the program of Node, which all that run it on a machine share, and which the kernel may drop.
    expect(own).toBeGreaterThan(5);
    expect(own).toBeLessThan(40);
  });
});
