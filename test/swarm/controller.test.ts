// Requests and routes if controller and extension fail, are duplicated, or receive no events.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TaskInfo } from '../../bed/bed.ts';
import { placesOf, signalContainer } from '../support/containers.ts';
import { eventually, throughout } from '../support/eventually.ts';
import { administer, bed, curl, defaultSettings, demo, proxyIdentity, settled, state } from '../support/interlock.ts';
import { Load } from '../support/load.ts';
import {
  type AppOptions,
  answers,
  applySettings,
  configNames,
  instancesOf,
  restoreSettings,
  Stack,
} from '../support/story.ts';

const controller = 'signalbox_controller';
const extension = 'signalbox-extension';
const proxy = 'signalbox-proxy';
const stack = new Stack('control');

const app: AppOptions = { host: 'control.local', replicas: 2 };

/** A route change in addition to the permanent route. */
async function route(host: string): Promise<void> {
  await stack.deploy({ app, change: { host } });
}

/** Sends a signal to process 1 of the only task, and waits until Swarm has detected it. */
async function signalTask(service: string, signal: 'KILL' | 'STOP'): Promise<void> {
  await bed.settle(service, 1);
  const [task] = await bed.running(service);
  for (const place of await placesOf(service)) await signalContainer(place, signal);
  const isGone = async () => expect((await bed.running(service)).map(({ ID }) => ID)).not.toContain(task!.ID);
  await eventually(isGone, { timeoutMs: 150_000 });
}

/** Like the kernel's OOM killer. */
const killTask = (service: string) => signalTask(service, 'KILL');

/** The process exists but hangs: its health check has to detect it. */
const hangTask = (service: string) => signalTask(service, 'STOP');

beforeAll(async () => {
  await stack.deploy({ app });
  await settled();
  await answers('control.local');
});
afterAll(() => stack[Symbol.asyncDispose]());

describe('an idle swarm', () => {
  it('is not written to, and nothing is logged', async () => {
    await settled();
    // Swarm itself writes when it finishes an update: it may still be monitoring the controller's own update, for its
    // identity.
    await eventually(async () => expect(await updating()).toEqual([]));
    const before = await everything();

    await throughout(10_000, () => {});

    expect(await everything()).toEqual(before);
  });

  it('leaves the controller nothing to do', async () => {
    await settled();

    await eventually(async () => {
      const { status, body } = await administer('/api/plan');
      expect([status, JSON.parse(body)]).toMatchObject([200, { error: null, actions: [], waiting: [] }]);
    });
  });

  async function updating() {
    const services = (await bed.manager.docker.listServices()) as { UpdateStatus?: { State?: string } }[];
    return services.filter(({ UpdateStatus }) => UpdateStatus?.State === 'updating');
  }

  async function everything() {
    const services = await bed.manager.docker.listServices();
    // Of running tasks: the engine returns no logs of a service if one of its former tasks was never placed on a node.
    const running = (await Promise.all([controller, extension].map((service) => bed.running(service)))).flat();
    // An engine that was lost before may take a while until it returns the logs of its tasks again.
    const logs = ({ ID }: { ID: string }) => eventually(() => bed.docker('service', 'logs', '--raw', ID));
    const lines = await Promise.all(running.map(async (task) => (await logs(task)).split('\n')));
    return {
      services: services.map(({ Spec, Version }) => [Spec?.Name, Version?.Index]),
      configs: await configNames(),
      secrets: (await bed.manager.docker.listSecrets()).map(({ ID }) => ID),
      tasks: running.map(({ ID }) => ID).toSorted(),
      // Tasks write in no particular order.
      logs: lines.flat().toSorted(),
    };
  }
});

describe('the controller', () => {
  it('is not needed for traffic: without it routes answer, and follow tasks', async () => {
    await using load = new Load({ host: 'control.local' });

    await bed.docker('service', 'scale', '--detach', `${controller}=0`);
    await bed.settle(controller, 0);
    await stack.scale(4);
    await eventually(async () => expect((await instancesOf('control.local')).size).toBe(4));
    await stack.scale(2);
    await bed.settle(stack.service(), 2);
    await eventually(async () => expect((await instancesOf('control.local')).size).toBe(2));
    await bed.docker('service', 'scale', '--detach', `${controller}=1`);
    await settled();

    const { total, failures } = await load.stop();
    expect(failures).toEqual({});
    expect(total).toBeGreaterThan(300);
  });

  it('restarts when killed, resumes its state, and applies the change that it missed', async () => {
    const before = await proxyIdentity();
    await killTask(controller);
    expect((await curl('control.local', '/ping')).status).toBe(200);
    await settled();
    await eventually(async () => expect(await proxyIdentity()).toEqual(before));

    await using load = new Load({ host: 'control.local' });
    await killTask(controller);
    await route('after-controller.local');

    await answers('after-controller.local');
    await settled();
    expect((await load.stop()).failures).toEqual({});
  });
});

describe('the extension', () => {
  it('restarts when killed: a change made meanwhile goes live', async () => {
    const before = await proxyIdentity();
    await killTask(extension);
    expect((await curl('control.local', '/ping')).status).toBe(200);
    await bed.settle(extension, 1);
    await settled();
    // Until the agents have reported to the new one, the state shows the version that proxies were started for.
    await eventually(async () => expect(await proxyIdentity()).toEqual(before));

    await killTask(extension);
    await route('after-extension.local');

    await answers('after-extension.local');
    expect((await state()).error).toBeNull();
  });
});

describe.each([controller, extension])('%s', (service) => {
  it('is replaced if it hangs, while routes answer, and the change made meanwhile goes live', async () => {
    const before = await proxyIdentity();
    await using load = new Load({ host: 'control.local' });

    await hangTask(service);
    await route(`after-hung-${service.replace(/^signalbox./, '')}.local`);

    await answers(`after-hung-${service.replace(/^signalbox./, '')}.local`);
    await bed.settle(service, 1);
    await settled();
    expect((await proxyIdentity()).slice(1)).toEqual(before.slice(1));
    expect((await load.stop()).failures).toEqual({});
  });
});

describe('two controllers', () => {
  it('agree: nothing flaps, and a change is one version, in place', async () => {
    await settled();
    await using _second = await startSecondController();
    const before = await written();

    await throughout(8000, async () => expect(await written()).toEqual(before));

    const configs = await configNames();
    const tasks = await taskIds();
    await route('two-controllers.local');
    await settled();
    await answers('two-controllers.local');
    await throughout(4000, () => {});

    expect((await configNames()).filter((name) => !configs.includes(name))).toHaveLength(1);
    expect(await taskIds()).toEqual(tasks);
  });

  async function written() {
    const services = await bed.manager.docker.listServices();
    const owned = services.filter(({ Spec }) => [extension, proxy].includes(Spec?.Name ?? ''));
    return { versions: owned.map(({ Version }) => Version?.Index), configs: await configNames() };
  }

  const taskIds = async () => (await bed.tasks(proxy)).map(({ ID }: TaskInfo) => ID).toSorted();

  /** `docker service scale` does not work here: the only manager can publish the administrator's port once. */
  async function startSecondController(): Promise<AsyncDisposable> {
    const { docker } = bed.manager;
    const { Spec } = await docker.getService(controller).inspect();
    const name = 'control-second';
    await docker.createService({ ...Spec, Name: name, Labels: {}, EndpointSpec: { Ports: [] } });
    await bed.settle(name, 1);
    await eventually(async () => expect(await bed.logs(name)).toContain('"Started"'));
    return {
      async [Symbol.asyncDispose]() {
        await bed.docker('service', 'rm', name);
      },
    };
  }
});

describe('the event stream of the engine', () => {
  it('is reopened if it was cut, and changes made meanwhile are detected', async () => {
    const engine = await startEngineRelay();
    await using _engine = engine;
    // So rarely that only events can report the change.
    const settings = defaultSettings.replace(/^PollInterval.*$/m, 'PollInterval = "1h"');
    const begun = Date.now();
    await applySettings(`DockerURL = "${engine.url}"\n${settings}`);
    await route('before-cut.local');
    await answers('before-cut.local');
    // Nothing makes the controller observe the swarm again.
    await settled(begun);

    await engine.cut();
    await route('during-cut.local');
    await throughout(3000, async () => {
      expect((await curl('during-cut.local', '/ping')).status).toBe(503);
      expect((await curl('before-cut.local', '/ping')).status).toBe(200);
    });
    await engine.mend();

    await answers('during-cut.local');
  });

  /** Between controller and engine, like a socket proxy. */
  async function startEngineRelay() {
    const name = 'control-engine';
    const port = 2399;
    const script = `const net = require('node:net');
      net.createServer((client) => {
        const engine = net.connect('/run/docker.sock');
        client.pipe(engine).pipe(client);
        client.on('error', () => engine.destroy());
        engine.on('error', () => client.destroy());
      }).listen(${port});`;
    const socket = 'type=bind,source=/run/docker.sock,target=/run/docker.sock';
    const args = [
      '--detach',
      '--name',
      name,
      '--network',
      'host',
      '--user',
      '0',
      '--mount',
      socket,
      '--entrypoint',
      'node',
    ];
    await bed.docker('run', ...args, demo, '-e', script);
    return {
      url: `tcp://${bed.manager.ip}:${port}`,
      cut: () => bed.docker('kill', name),
      mend: () => bed.docker('start', name),
      async [Symbol.asyncDispose]() {
        await restoreSettings();
        await bed.docker('rm', '--force', name);
      },
    };
  }
});
