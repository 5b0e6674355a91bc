// How a redeploy of the Signalbox stack, removed configs and `docker system prune` affect clients and deployments.
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { deploySignalbox } from '../../bed/deploy-signalbox.ts';
import { services } from '../../bed/images.ts';
import { eventually } from '../support/eventually.ts';
import { administer, askController, bed, curl, defaultSettings, settled } from '../support/interlock.ts';
import { Load } from '../support/load.ts';
import { answers, applySettings, configNames, controllerReplaced, restoreSettings, Stack } from '../support/story.ts';

const controller = 'signalbox_controller';
const host = 'redeploy.local';
const stack = new Stack('redeploy');

beforeAll(async () => {
  await controllerReplaced();
  await stack.deploy({ app: { host } });
  await settled();
  await answers(host);
});
afterAll(async () => {
  await restoreSettings();
  await stack[Symbol.asyncDispose]();
});

describe('a redeploy of the stack', () => {
  it('without changes restarts nothing', async () => {
    // As `npm run up` does.
    await deploySignalbox(bed, inject('version'));
    await controllerReplaced();
    const before = await runningTasks();

    await deploySignalbox(bed, inject('version'));
    await controllerReplaced();

    expect(await runningTasks()).toEqual(before);
  });

  it('with other settings keeps a controller working', async () => {
    const [before] = await bed.running(controller);
    await using changes = new LabelChanges();
    await using page = new PageRequests();
    await eventually(async () => expect(changes.waits.length).toBeGreaterThan(3));

    await applySettings(`# Another file\n${defaultSettings}`);
    const [after] = await bed.running(controller);
    expect(after!.ID).not.toBe(before!.ID);
    await settled();
    const seen = changes.waits.length;
    await eventually(async () => expect(changes.waits.length).toBeGreaterThan(seen + 3));

    const waits = (await changes.stop()).toSorted((a, b) => a - b);
    const [median, longest] = [waits[waits.length >> 1]!, waits.at(-1)!];
    console.log(`${waits.length} label changes, live after ${median} ms (median), ${longest} ms at most`);
    // Both controllers and all their starts are on one machine: a bound for the gap without a controller, not a
    // measurement.
    expect(longest).toBeLessThan(8000 + 2 * median);
    expect(await page.stop()).toEqual([]);
  });
});

describe('removed objects of Signalbox', () => {
  const maintenance = `/api/maintenance/hosts/${host}`;
  afterAll(async () => {
    await administer(maintenance, { method: 'DELETE' });
  });

  it('are written again, while the controller keeps running', async () => {
    expect((await administer(maintenance, { method: 'PUT', body: '{}' })).status).toBe(204);
    // Otherwise the version that is removed may be the one before.
    await eventually(async () => expect((await curl(host, '/ping')).status).toBe(503));
    const { clusters } = await settled();
    const before = await runningTasks();
    const removed = await removeUnused();
    expect(removed).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/^signalbox\.administration\./),
        expect.stringMatching(/^signalbox\.settings\./),
        // In place: no service refers to it.
        `com.docker.interlock.proxy.${clusters[0]!.version}`,
      ]),
    );

    const isCurrent = (name: string) =>
      name.startsWith('signalbox.settings.') || name.endsWith(`.${clusters[0]!.version}`);
    await eventually(async () => {
      const names = await configNames();
      expect(names).toContainEqual(expect.stringMatching(/^signalbox\.administration\./));
      expect(names).toEqual(expect.arrayContaining(removed.filter(isCurrent)));
    });
    expect((await curl(host, '/ping')).status).toBe(503);
    expect((await settled()).maintenance).toMatchObject([{ kind: 'host', name: host }]);
    expect(await runningTasks()).toEqual(before);
  });

  /** Swarm refuses to remove what a service uses. */
  async function removeUnused(): Promise<string[]> {
    const { docker } = bed.manager;
    const removed: string[] = [];
    const remove = async (name: string, object: { remove(): Promise<unknown> }) => {
      const isRemoved = await object.remove().then(
        () => true,
        () => false,
      );
      if (isRemoved) removed.push(name);
    };
    for (const { ID, Spec } of await docker.listConfigs()) await remove(Spec!.Name!, docker.getConfig(ID));
    for (const { ID, Spec } of await docker.listSecrets()) await remove(Spec!.Name!, docker.getSecret(ID!));
    return removed;
  }
});

describe('docker system prune', () => {
  afterAll(async () => {
    const version = inject('version');
    const names = [...services.map(({ name }) => name), 'signalbox/demo'];
    // The images are in no registry.
    await bed.loadProduct({ product: names.map((name) => `${name}:${version}`), version });
  });

  it('on every node loses no request and stops nothing', async () => {
    await stack.deploy({ app: { host } });
    await answers(host);
    await settled();
    const before = await runningTasks();
    await using load = new Load({ host });

    for (const node of bed.nodes)
      expect(await node.exec('docker', 'system', 'prune', '--force', '--all', '--volumes')).toBe(0);
    await stack.deploy({ app: { host: `${host},after-prune.local` } });
    await answers('after-prune.local');
    await settled();

    expect((await load.stop()).failures).toEqual({});
    expect(await runningTasks()).toEqual(before);
  });
});

/** Tasks of the stack, the extension and the proxies. */
async function runningTasks(): Promise<string[]> {
  const services = await bed.manager.docker.listServices();
  const names = services.flatMap(({ Spec }) => Spec?.Name ?? []).filter((name) => name.startsWith('signalbox'));
  const running = await Promise.all(names.map((name) => bed.running(name)));
  return running.flat().map(({ ID }) => ID);
}

/** Changes the hosts of the app, waits until the change is live, and repeats, five times a second at most. */
class LabelChanges implements AsyncDisposable {
  /** Milliseconds from each change until a request was answered according to it. */
  readonly waits: number[] = [];
  readonly #stopping = new AbortController();
  readonly #work = this.#run();

  async stop(): Promise<readonly number[]> {
    this.#stopping.abort();
    await this.#work;
    return this.waits;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #run(): Promise<void> {
    for (let change = 1; !this.#stopping.signal.aborted; change++) {
      const changed = `change-${change}.${host}`;
      const label = `com.docker.lb.hosts=${host},${changed}`;
      await bed.docker('service', 'update', '--detach', '--quiet', '--label-add', label, stack.service());
      const start = performance.now();
      await eventually(async () => expect((await curl(changed, '/ping')).status).toBe(200), { intervalMs: 50 });
      this.waits.push(Math.round(performance.now() - start));
    }
  }
}

/** Requests the page repeatedly, each time on a new connection. */
class PageRequests implements AsyncDisposable {
  readonly #failures: string[] = [];
  readonly #stopping = new AbortController();
  readonly #work = this.#run();

  /** Resolves with the failures. */
  async stop(): Promise<readonly string[]> {
    this.#stopping.abort();
    await this.#work;
    return this.#failures;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #run(): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      const answer = await askController('/').catch((error: Error) => error);
      if (answer instanceof Error) this.#failures.push(answer.message);
      else if (answer.status !== 200) this.#failures.push(String(answer.status));
      await sleep(250);
    }
  }
}
