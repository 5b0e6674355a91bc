// Changed settings reach existing objects. Settings that cannot be served change only the list of problems.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { State } from '../../src/controller/admin/state.ts';
import { eventually } from '../support/eventually.ts';
import { bed, curl, defaultSettings, proxyIdentity, settled, state } from '../support/interlock.ts';
import { Load } from '../support/load.ts';
import {
  type AppOptions,
  answers,
  answersOnEveryNode,
  applySettings,
  restoreSettings,
  Stack,
} from '../support/story.ts';

const proxy = 'signalbox-proxy';
const stack = new Stack('settings');
const app: AppOptions = { host: 'settings.local', replicas: 2 };
const workers = ['worker1', 'worker2'] as const;

beforeAll(async () => {
  await stack.deploy({ app });
  await settled();
  await answersOnEveryNode('settings.local');
});
afterAll(async () => {
  await restoreSettings();
  await stack[Symbol.asyncDispose]();
});

/** Default settings with other lines in the cluster's table. */
const withKeys = (...lines: string[]) => [defaultSettings.trimEnd(), ...lines, ''].join('\n');

async function inspect(service = proxy) {
  return bed.manager.docker.getService(service).inspect();
}

async function byHand(...changes: readonly string[]): Promise<void> {
  await bed.docker('service', 'update', '--detach', '--quiet', '--no-resolve-image', ...changes, proxy);
}

async function problemsOfCluster(): Promise<State['problems']> {
  return (await state()).problems.filter(({ service, severity }) => service === undefined && severity === 'error');
}

describe('settings that nginx rejects', () => {
  it("keep the previous configuration in effect, and report nginx's error", async () => {
    const before = await proxyIdentity();
    await using load = new Load({ host: 'settings.local' });

    await applySettings(withKeys('[Extensions.default.Config]', 'HTTPOptions = ["no_such_directive on;"]'));
    await eventually(async () => {
      const [problem, ...others] = await problemsOfCluster();
      expect(others).toEqual([]);
      expect(problem?.reason).toContain('unknown directive "no_such_directive"');
    });
    expect(await proxyIdentity()).toEqual(before);

    await restoreSettings();
    expect(await problemsOfCluster()).toEqual([]);
    expect(await proxyIdentity()).toEqual(before);
    expect((await load.stop()).failures).toEqual({});
  });
});

describe('a replica that does not start', () => {
  it('stops the roll-out, Swarm rolls it back, and the problem says why', async () => {
    await using load = new Load({ host: 'settings.local' });
    const image = 'signalbox/proxy:no-such-version';

    await applySettings(withKeys(`ProxyImage = "${image}"`));
    await eventually(
      async () => {
        const [problem, ...others] = await problemsOfCluster();
        expect(others).toEqual([]);
        expect(problem?.reason).toMatch(
          /^The proxies were rolled back: .*No such image: signalbox\/proxy:no-such-version/,
        );
      },
      { timeoutMs: 120_000 },
    );
    expect(JSON.stringify((await inspect()).Spec?.TaskTemplate)).not.toContain(image);
    await bed.settle(proxy, 2);
    await answersOnEveryNode('settings.local');

    await restoreSettings();
    expect(await problemsOfCluster()).toEqual([]);
    expect((await load.stop()).failures).toEqual({});
  });
});

describe('changed settings', () => {
  it('keep manual changes of the administrator, and so does a route change', async () => {
    const mount = 'type=tmpfs,destination=/var/extra';
    await byHand('--limit-memory', '256M', '--env-add', 'EDGE=yes', '--mount-add', mount, '--update-parallelism', '2');
    await eventually(async () => expect((await inspect()).UpdateStatus?.State).toBe('completed'), {
      timeoutMs: 120_000,
    });

    await stack.deploy({ app, late: { host: 'late.settings.local' } });
    await settled();

    await answers('late.settings.local');
    await answers('settings.local');
    expect((await inspect()).Spec).toMatchObject({
      UpdateConfig: { Parallelism: 2 },
      TaskTemplate: {
        Resources: { Limits: { MemoryBytes: 256 * 1024 * 1024 } },
        ContainerSpec: {
          Env: expect.arrayContaining(['EDGE=yes']),
          Mounts: expect.arrayContaining([expect.objectContaining({ Target: '/var/extra' })]),
        },
      },
    });
    const rest = ['--env-rm', 'EDGE', '--mount-rm', '/var/extra', '--update-parallelism', '1'];
    await byHand('--limit-memory', '16G', ...rest);
  });

  it('reach existing proxies', async () => {
    await applySettings(
      withKeys('ProxyReplicas = 3', 'PublishedPort = 8090').replace(/^(ProxyReplicas = 2|PublishedPort = 8080)$/gm, ''),
    );
    await settled();

    await bed.settle(proxy, 3);
    for (const node of workers) await answers('settings.local', node, 8090);
    await expect(curl('settings.local', '/ping')).rejects.toThrow();
  });
});

describe('ports in host mode', () => {
  it('lead to the proxy on the same node, and a change replaces one proxy after the other', async () => {
    await applySettings(defaultSettings.replace('PublishMode = "ingress"', 'PublishMode = "host"'));
    await settled();

    const nodes = (await bed.running(proxy)).map(({ NodeID }) => NodeID);
    expect(new Set(nodes).size).toBe(2);
    for (const node of workers) await answers('settings.local', node);
    await expect(curl('settings.local', '/ping', { node: 'manager' })).rejects.toThrow();
    expect((await inspect()).Spec?.UpdateConfig?.Order).toBe('stop-first');

    await stack.deploy({ app, host: { host: 'host.settings.local' } });
    const silent: string[][] = [];
    await Promise.all([settled(), watch(silent)]);

    for (const node of workers) await answers('host.settings.local', node);
    // A client that tries the next node always gets an answer.
    expect(silent.filter((nodes) => nodes.length === workers.length)).toEqual([]);
  });

  /** Workers that did not answer, from the first failure to the end of the roll-out. */
  async function watch(silent: string[][]): Promise<void> {
    const version = async () => (await state()).clusters[0]?.served;
    const before = await version();
    const deadline = performance.now() + 60_000;
    while (performance.now() < deadline) {
      const asked = workers.map(async (node) => {
        const answer = await curl('settings.local', '/ping', { node, timeoutMs: 2000 }).catch(() => undefined);
        return answer?.status === 200 ? [] : [node];
      });
      silent.push((await Promise.all(asked)).flat());
      const cluster = (await state()).clusters[0]!;
      if (cluster.served !== before && !cluster.rolling && cluster.version === cluster.served) return;
    }
  }
});
