// Changes by administrators, in the settings or by hand, reach existing services.
import { expect, it } from 'vitest';
import { aNode, aService } from '../support/builders.ts';
import { ControllerWorld, serverOf } from '../support/controller-world.ts';

const proxy = 'signalbox-proxy';

async function aRunningWorld(cluster: Readonly<Record<string, unknown>> = {}): Promise<ControllerWorld> {
  const world = new ControllerWorld({ settings: { Extensions: { default: cluster } } });
  world.swarm.deploy(aService('shop'));
  await world.settle();
  return world;
}

async function withSettings(world: ControllerWorld, cluster: Readonly<Record<string, unknown>>) {
  const successor = world.restart({ Extensions: { default: cluster } });
  await successor.settle();
  return successor.swarm.service(proxy).spec;
}

it('changes image, replicas, placement, ports and stop behavior of existing proxies', async () => {
  const world = await aRunningWorld();
  const { id } = world.swarm.service(proxy);

  const spec = await withSettings(world, {
    ProxyImage: 'example.org/nginx:2',
    ProxyReplicas: 3,
    ProxyConstraints: ['node.labels.edge==yes'],
    ProxyPlacementPreferences: ['spread=node.labels.zone'],
    PublishedPort: 80,
    PublishedSSLPort: 443,
    ProxyStopGracePeriod: '1m',
    ProxyUpdateDelay: '5s',
    ProxyLabels: { team: 'edge' },
    ProxyContainerLabels: { tier: 'front' },
    ProxyArgs: ['-q'],
  });

  expect(world.swarm.service(proxy).id).toBe(id);
  expect(spec).toMatchObject({
    Mode: { Replicated: { Replicas: 3 } },
    Labels: { team: 'edge' },
    UpdateConfig: { Delay: 5e9 },
    EndpointSpec: { Ports: [{ PublishedPort: 80 }, { PublishedPort: 443 }] },
    TaskTemplate: {
      ContainerSpec: { Image: 'example.org/nginx:2', StopGracePeriod: 60e9, Args: ['-q'], Labels: { tier: 'front' } },
      Placement: {
        Constraints: ['node.labels.edge==yes'],
        Preferences: [{ Spread: { SpreadDescriptor: 'node.labels.zone' } }],
      },
    },
  });
});

it('keeps manual changes when something else changes', async () => {
  const world = await aRunningWorld();
  world.swarm.amend(proxy, (spec) => {
    spec.Mode.Replicated.Replicas = 7;
    spec.Labels.note = 'by hand';
    spec.TaskTemplate.ContainerSpec.Env = ['TZ=UTC'];
    spec.TaskTemplate.ContainerSpec.Mounts.push({ Type: 'volume', Source: 'logs', Target: '/var/log' });
    spec.TaskTemplate.Resources = { Limits: { MemoryBytes: 1e9 } };
  });
  world.swarm.service(proxy).finish();

  expect(await world.writesOf(() => world.settle())).toEqual([]);
  world.swarm.deploy(aService('blog'));
  await world.settle();
  const spec = await withSettings(world, { ProxyImage: 'example.org/nginx:2' });

  expect(serverOf(world.served(), 'blog.example.org')).toBeDefined();
  expect(spec).toMatchObject({
    Mode: { Replicated: { Replicas: 7 } },
    Labels: { note: 'by hand' },
    TaskTemplate: {
      ContainerSpec: {
        Image: 'example.org/nginx:2',
        Env: ['TZ=UTC'],
        Mounts: [{ Target: '/var/log' }, { Target: '/tmp' }, { Target: '/tmp/client-body' }],
      },
      Resources: { Limits: { MemoryBytes: 1e9 } },
    },
  });
});

it('prefers the settings to a manual change if the settings change the same value', async () => {
  const world = await aRunningWorld();
  world.swarm.amend(proxy, (spec) => {
    spec.Mode.Replicated.Replicas = 7;
  });

  const spec = await withSettings(world, { ProxyReplicas: 4 });

  expect(spec.Mode).toEqual({ Replicated: { Replicas: 4 } });
});

it('runs one proxy on each node, also on nodes that join later', async () => {
  const world = await aRunningWorld({ ProxyReplicas: 'global' });
  const nodesOf = () => world.swarm.service(proxy).tasks.map(({ nodeId }) => nodeId);
  expect(nodesOf().toSorted()).toEqual(['worker1', 'worker2']);

  world.swarm.addNode(aNode('worker3'));
  await world.settle();

  expect(nodesOf().toSorted()).toEqual(['worker1', 'worker2', 'worker3']);
  expect(await world.writesOf(() => world.settle())).toEqual([]);
});

it.each([
  { from: 2, to: 'global', mode: { Global: {} } },
  { from: 'global', to: 3, mode: { Replicated: { Replicas: 3 } } },
])('replaces the proxies to change their mode from $from to $to', async ({ from, to, mode }) => {
  const world = await aRunningWorld({ ProxyReplicas: from });

  const writes = await world.writesOf(() => withSettings(world, { ProxyReplicas: to }));

  expect(writes.filter((write) => write.includes('Service'))).toEqual([
    `removeService ${proxy}`,
    `createService ${proxy}`,
  ]);
  expect(world.swarm.service(proxy).spec.Mode).toEqual(mode);
  expect(serverOf(world.served(), 'shop.example.org')).toBeDefined();
});

it('restores configurations and networks that were removed by hand', async () => {
  const world = await aRunningWorld();
  const { spec } = world.swarm.service(proxy);

  world.swarm.amend(proxy, ({ TaskTemplate }) => {
    TaskTemplate.ContainerSpec.Configs = [];
    TaskTemplate.Networks = [];
  });
  await world.settle();

  expect(world.swarm.service(proxy).spec).toEqual(spec);
});

it('removes labels that the settings no longer name', async () => {
  const world = await aRunningWorld({
    ProxyLabels: { team: 'edge', tier: 'front' },
    ProxyContainerLabels: { a: '1', b: '2' },
  });
  world.swarm.amend(proxy, (spec) => {
    spec.Labels.note = 'by hand';
    spec.TaskTemplate.ContainerSpec.Labels.note = 'by hand';
  });

  const spec = await withSettings(world, { ProxyLabels: { tier: 'front' }, ProxyContainerLabels: { b: '2' } });

  expect(spec.Labels).toMatchObject({ tier: 'front', note: 'by hand' });
  expect(spec.Labels).not.toHaveProperty('team');
  expect(spec.TaskTemplate.ContainerSpec.Labels).toMatchObject({ b: '2', note: 'by hand' });
  expect(spec.TaskTemplate.ContainerSpec.Labels).not.toHaveProperty('a');
});

it.each(['null', '7', '{"labels":7}', 'nonsense'])('ignores a corrupt record: %s', async (memory) => {
  const world = await aRunningWorld();
  world.swarm.amend(proxy, (spec) => {
    spec.Labels['com.signalbox.applied'] = memory;
    spec.Labels['com.signalbox.refused-times'] = memory;
  });

  world.swarm.deploy(aService('blog'));
  await world.pass();
  world.swarm.rollBack(proxy, 'no room');
  await world.settle();
  world.swarm.deploy(aService('news'));
  await world.settle();

  expect(serverOf(world.served(), 'news.example.org')).toBeDefined();
});

it('renames services', async () => {
  const world = await aRunningWorld();

  const renamed = world.restart({ Extensions: { default: { ServiceName: 'renderer', ProxyServiceName: 'front' } } });
  await renamed.settle();

  expect(renamed.swarm.services.map(({ name }) => name).toSorted()).toEqual(['front', 'renderer']);
  expect(serverOf(renamed.served('front'), 'shop.example.org')).toBeDefined();
});

const edge = 'node.role==worker';

it('runs everything on managers while there are no workers, with a notice, and moves it when there are', async () => {
  const world = await aRunningWorld();
  const constraints = (name: string) => world.swarm.service(name).spec.TaskTemplate.Placement.Constraints;
  for (const name of ['signalbox-extension', proxy]) expect(constraints(name)).toContain(edge);

  for (const id of ['worker1', 'worker2']) world.swarm.removeNode(id);
  await world.settle();

  for (const name of ['signalbox-extension', proxy]) expect(constraints(name)).not.toContain(edge);
  expect(world.problems).toEqual([
    expect.objectContaining({ severity: 'notice', cluster: 'default', reason: expect.stringContaining('no workers') }),
  ]);

  world.swarm.addNode(aNode('worker3'));
  await world.settle();

  for (const name of ['signalbox-extension', proxy]) expect(constraints(name)).toContain(edge);
  expect(world.problems).toEqual([]);
});

it('renews the certificate of an extension before it expires, also for clusters with long names', async () => {
  const name = 'a-cluster-with-quite-a-long-name';
  const settings = { Extensions: { [name.slice(0, 31)]: {} } };
  const world = new ControllerWorld({ settings });
  await world.settle();
  const service = world.swarm.services.find((candidate) => candidate.name.startsWith('signalbox-extension'))!;
  const [first] = service.observe().secretIds;

  const day = 24 * 3_600_000;
  world.swarm.clock.advance(500 * day);
  expect(await world.writesOf(() => world.settle())).toEqual([]);
  world.swarm.clock.advance(60 * day);
  const writes = await world.writesOf(() => world.settle());

  expect(writes).toEqual([expect.stringContaining('createSecret'), `updateService ${service.name}`]);
  expect(service.observe().secretIds).not.toContain(first);
  expect(await world.writesOf(() => world.passes(5))).toEqual([]);
});
