// Observing the swarm: a change costs only the fetch of the objects it names, and an observation is complete or fails.
import { describe, expect, it } from 'vitest';
import { Observer } from '../../src/controller/docker/observer.ts';
import { ConflictError } from '../../src/controller/ports.ts';
import { eventually } from '../support/eventually.ts';
import { engineNetwork, engineObject, engineService, FakeDocker } from '../support/fake-docker.ts';

const everything = ['list configs', 'list networks', 'list nodes', 'list secrets', 'list services'];
const routed = { 'com.docker.lb.hosts': 'shop.example.org', 'com.docker.lb.port': '8080' };

/** An engine with one object of each kind, and an observer that has observed it. */
async function anObservedEngine() {
  const docker = new FakeDocker();
  docker.objects.service.set('shop', engineService('shop', routed));
  docker.objects.network.set('app', engineNetwork('app'));
  for (const kind of ['node', 'config', 'secret'] as const) docker.objects[kind].set(kind, engineObject(kind));
  const observer = new Observer(docker.client);
  await observer.observe();
  return { docker, observer };
}

const names = (items: readonly { readonly name: string }[]) => items.map(({ name }) => name);

describe('an observer', () => {
  it('lists everything first, and then requests nothing while there are no events', async () => {
    const docker = new FakeDocker();
    const observer = new Observer(docker.client);

    expect(await docker.callsOf(() => observer.observe())).toEqual(everything);
    expect(await docker.callsOf(() => observer.observe())).toEqual([]);
  });

  it.each(['service', 'network', 'node', 'config', 'secret'])(
    'fetches only the %s that an event names',
    async (kind) => {
      const { docker, observer } = await anObservedEngine();
      const id = { service: 'shop', network: 'app' }[kind] ?? kind;

      for (let times = 0; times < 5; times++) expect(observer.note(kind, id)).toBe(true);

      expect(await docker.callsOf(() => observer.observe())).toEqual([`inspect ${kind} ${id}`]);
    },
  );

  it('sees created, changed and removed objects', async () => {
    const { docker, observer } = await anObservedEngine();

    docker.objects.service.set('blog', engineService('blog'));
    docker.objects.service.set('shop', engineService('shop', { changed: 'yes' }));
    docker.objects.network.delete('app');
    for (const [kind, id] of [
      ['service', 'blog'],
      ['service', 'shop'],
      ['network', 'app'],
    ] as const)
      observer.note(kind, id);
    const snapshot = await observer.observe();

    expect(names(snapshot.services).toSorted()).toEqual(['blog', 'shop']);
    expect(snapshot.services.find(({ name }) => name === 'shop')?.labels).toEqual({ changed: 'yes' });
    expect(snapshot.networks).toEqual([]);
  });

  it('ignores events of other kinds', async () => {
    const { docker, observer } = await anObservedEngine();

    expect(observer.note('container', 'abc')).toBe(false);

    expect(await docker.callsOf(() => observer.observe())).toEqual([]);
  });

  it('lists everything again after a gap', async () => {
    const { docker, observer } = await anObservedEngine();
    docker.objects.service.clear();

    observer.forget();

    expect(await docker.callsOf(() => observer.observe())).toEqual(['inspect service shop', ...everything]);
    expect((await observer.observe()).services).toEqual([]);
  });

  it.each([
    { isAtRest: true, everyMs: 60_000 },
    { isAtRest: false, everyMs: 600_000 },
  ])('lists everything periodically, and less often if that takes long: %j', async ({ isAtRest, everyMs }) => {
    const docker = new FakeDocker();
    let now = 0;
    docker.before = async (call) => {
      if (call === 'list services') now += 200;
    };
    const observer = new Observer(docker.client, '', () => now);
    await observer.observe();
    const callsAfter = (ms: number) => {
      now += ms;
      observer.forgetInTime(isAtRest);
      return docker.callsOf(() => observer.observe());
    };

    expect(await callsAfter(everyMs - 1)).toEqual([]);
    expect(await callsAfter(1)).toEqual(everything);
    expect(await callsAfter(everyMs - 1)).toEqual([]);
  });

  it('knows which secrets the controller mounts', async () => {
    const docker = new FakeDocker();
    const controller = engineService('controller') as { Spec: { TaskTemplate: object } };
    const TaskTemplate = { ...controller.Spec.TaskTemplate, ContainerSpec: { Secrets: [{ SecretID: 'password' }] } };
    docker.objects.service.set('controller', { ...controller, Spec: { ...controller.Spec, TaskTemplate } });

    expect(await new Observer(docker.client, 'controller').observe()).toMatchObject({
      controllerSecretIds: ['password'],
    });
    expect(await new Observer(docker.client).observe()).toMatchObject({ controllerSecretIds: [] });
  });

  it('fetches again what it failed to fetch', async () => {
    const { docker, observer } = await anObservedEngine();
    docker.objects.service.set('shop', engineService('shop', { changed: 'yes' }));
    observer.note('service', 'shop');

    docker.before = async () => {
      throw new Error('connect ECONNREFUSED');
    };
    await expect(observer.observe()).rejects.toThrow('ECONNREFUSED');
    docker.before = async () => {};

    expect((await observer.observe()).services[0]?.labels).toEqual({ changed: 'yes' });
  });

  it('fails completely if one kind cannot be listed', async () => {
    const { docker, observer } = await anObservedEngine();
    observer.forget();

    docker.before = async (call) => {
      if (call === 'list nodes') throw new Error('context deadline exceeded');
    };

    await expect(observer.observe()).rejects.toThrow('List nodes: context deadline exceeded');
  });

  it('is not overwritten by answers that arrive after another part has failed', async () => {
    const { docker, observer } = await anObservedEngine();
    const slow = Promise.withResolvers<void>();
    docker.objects.service.set('shop', engineService('shop', { changed: 'yes' }));
    for (const [kind, id] of [
      ['service', 'shop'],
      ['node', 'node'],
    ] as const)
      observer.note(kind, id);
    docker.before = async (call) => {
      if (call === 'inspect node node') throw new Error('away');
      if (call === 'inspect service shop') await slow.promise;
    };

    const failed = expect(observer.observe()).rejects.toThrow('away');
    // A caller that sees the failure observes again, and must see what the slow answer contains.
    const next = failed.then(() => {
      docker.before = async () => {};
      return observer.observe();
    });
    await new Promise(setImmediate);
    slow.resolve();

    expect((await next).services[0]?.labels).toEqual({ changed: 'yes' });
  });

  it('fails on an invalid answer, and observes again until it is valid', async () => {
    const { docker, observer } = await anObservedEngine();
    docker.objects.service.set('shop', { ID: 'shop', Version: 'latest' });
    observer.note('service', 'shop');

    await expect(observer.observe()).rejects.toThrow('Invalid response');
    await expect(observer.observe()).rejects.toThrow('Invalid response');
    docker.objects.service.set('shop', engineService('shop', routed));

    expect(names((await observer.observe()).services)).toEqual(['shop']);
  });

  it('sees changes that happen during an observation', async () => {
    const { docker, observer } = await anObservedEngine();
    observer.note('service', 'shop');
    docker.before = async () => {
      docker.objects.service.set('shop', engineService('shop', { changed: 'yes' }));
      observer.note('service', 'shop');
      docker.before = async () => {};
    };

    expect((await observer.observe()).services[0]?.labels).toEqual(routed);
    expect((await observer.observe()).services[0]?.labels).toEqual({ changed: 'yes' });
  });

  it.each([routed, { 'com.docker.ucp.mesh.http': '8080=http://shop.example.org' }])(
    'requests tasks only if routed services publish ports in host mode: %j',
    async (labels) => {
      const { docker, observer } = await anObservedEngine();
      const ports = [{ TargetPort: 8080, PublishMode: 'host', Protocol: 'tcp' }];
      const service = engineService('edge', labels);
      docker.objects.service.set('edge', {
        ...service,
        Spec: { ...(service.Spec as object), EndpointSpec: { Ports: ports } },
      });
      const task = { CreatedAt: '2026-01-01T00:00:00Z', ServiceID: 'edge', DesiredState: 'running', Spec: {} };
      const portStatus = { Ports: [{ ...ports[0], PublishedPort: 32_768 }] };
      docker.tasks = [
        { ...task, ID: 'up', NodeID: 'node', Status: { State: 'running', PortStatus: portStatus } },
        { ...task, ID: 'starting', NodeID: 'node', Status: { State: 'starting' } },
      ];
      observer.note('service', 'edge');

      expect((await observer.observe()).hostTasks).toEqual([
        {
          serviceId: 'edge',
          nodeId: 'node',
          ports: [{ target: 8080, published: 32_768, mode: 'host', protocol: 'tcp' }],
        },
      ]);
      expect(await docker.callsOf(() => observer.observe())).toEqual(['list tasks']);
    },
  );

  it('observes again if a service whose tasks it requests is gone', async () => {
    const { docker, observer } = await anObservedEngine();
    const service = engineService('edge', routed);
    const spec = { ...(service.Spec as object), EndpointSpec: { Ports: [{ TargetPort: 8080, PublishMode: 'host' }] } };
    docker.objects.service.set('edge', { ...service, Spec: spec });
    observer.note('service', 'edge');
    docker.before = async (call) => {
      if (call !== 'list tasks') return;
      docker.objects.service.delete('edge');
      throw Object.assign(new Error('service edge not found'), { statusCode: 404 });
    };

    await expect(observer.observe()).rejects.toThrow(ConflictError);

    expect(names((await observer.observe()).services)).toEqual(['shop']);
  });
});

describe('an observer that follows tasks', () => {
  const task = (ID: string, ServiceID: string, State = 'running') => ({
    ...{
      ID,
      ServiceID,
      NodeID: 'node',
      CreatedAt: '',
      DesiredState: 'running',
      Spec: {},
      Status: { State, Timestamp: '1970-01-01T00:00:01Z' },
    },
    NetworksAttachments: [{ Network: { ID: 'app' }, Addresses: ['10.0.1.5/24', 'fd00::5/64'] }],
  });
  const chooseShop = () => ['shop'];

  it('lists the running tasks of the selected services only', async () => {
    const { docker, observer } = await anObservedEngine();
    docker.tasks = [task('b', 'shop'), task('a', 'shop'), task('c', 'shop', 'starting'), task('d', 'other')];

    const { tasks } = await observer.observe(chooseShop);

    expect(tasks).toEqual([
      { id: 'a', serviceId: 'shop', nodeId: 'node', since: 1000, addresses: { app: ['10.0.1.5'] } },
      { id: 'b', serviceId: 'shop', nodeId: 'node', since: 1000, addresses: { app: ['10.0.1.5'] } },
    ]);
    expect(await docker.callsOf(() => observer.observe(() => []))).toEqual([]);
    expect((await observer.observe(chooseShop)).tasks).toEqual(tasks);
  });

  it('detects changed tasks, for which there are no events, and nothing else', async () => {
    const { docker, observer } = await anObservedEngine();
    docker.tasks = [task('a', 'shop')];
    const before = (await observer.observe(chooseShop)).tasks;
    const stop = new AbortController();
    let changes = 0;
    const watching = observer.watchTasks(() => {
      changes += 1;
    }, stop.signal);

    const calls = docker.calls.length;
    await eventually(async () => expect(docker.calls.length).toBeGreaterThan(calls + 1));
    expect(changes).toBe(0);
    expect((await observer.observe(chooseShop)).tasks).toBe(before);
    docker.tasks = [task('b', 'shop')];
    await eventually(async () => expect(changes).toBe(1));
    stop.abort();
    await watching;
  });

  it('requests no tasks if no service is followed', async () => {
    const { docker, observer } = await anObservedEngine();
    const stop = AbortSignal.timeout(1200);

    expect(await docker.callsOf(() => observer.watchTasks(() => undefined, stop))).toEqual([]);
  });
});
