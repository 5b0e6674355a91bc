// With agents beside nginx, a route change replaces no task. A change of attached networks, secrets or ports is still a
// roll-out.
import { expect, it } from 'vitest';
import { aNetwork, aService } from '../support/builders.ts';
import { ControllerWorld, serverOf } from '../support/controller-world.ts';

async function aWorld(): Promise<ControllerWorld> {
  const world = new ControllerWorld({ agents: true });
  world.swarm.deploy(aService('shop'));
  await world.settle();
  return world;
}

const tasksOf = (world: ControllerWorld) => world.swarm.service('signalbox-proxy').tasks.map(({ id }) => id);

it('sends a new route to the replicas without a new task', async () => {
  const world = await aWorld();
  const before = tasksOf(world);

  world.swarm.deploy(aService('blog'));
  const writes = await world.writesOf(() => world.settle());

  expect(serverOf(world.served(), 'blog.example.org')).toContain('proxy_pass');
  expect(tasksOf(world)).toEqual(before);
  // The version is stored as before: history, diff and roll-back depend on it.
  expect(writes).toEqual([expect.stringMatching(/^createConfig com\.docker\.interlock\.proxy\./)]);
});

it('rolls out a change that needs another network, and continues in place from there', async () => {
  const world = await aWorld();
  const before = tasksOf(world);
  world.swarm.addNetwork(aNetwork('far'));

  world.swarm.deploy(aService('blog', { networks: ['far'] }));
  await world.settle();
  const rolled = tasksOf(world);
  world.swarm.deploy(aService('wiki'));
  await world.settle();

  expect(rolled).not.toEqual(before);
  const [tried = '', triedLater = ''] = world.extension.tried.values();
  expect(serverOf(tried, 'blog.example.org')).toBeUndefined();
  expect(serverOf(triedLater, 'wiki.example.org')).toContain('proxy_pass');
  expect(tasksOf(world)).toEqual(rolled);
  expect(serverOf(world.served(), 'wiki.example.org')).toContain('proxy_pass');
});

it('reports a version that a replica rejects, keeps the last good one, and clears the problem once fixed', async () => {
  const world = await aWorld();
  const good = world.served();
  const { version } = world.status.outcomes[0]!;
  world.extension.refusal = (candidate) => (candidate === version ? undefined : 'bind() to 0.0.0.0:80 failed');

  world.swarm.deploy(aService('blog'));
  await world.settle();

  expect(world.served()).toBe(good);
  expect(world.problems).toMatchObject([
    { severity: 'error', cluster: 'default', reason: expect.stringContaining('bind() to 0.0.0.0:80 failed') },
  ]);
  expect(world.status.outcomes[0]).toMatchObject({ served: version, rolling: false });

  world.extension.refusal = () => undefined;
  await world.settle();
  expect(world.problems).toEqual([]);
});

it('rolls out every change if the proxy image has no agent', async () => {
  const world = await aWorld();
  const before = tasksOf(world);
  world.extension.agents = () => [];
  world.swarm.clock.advance(60_000);

  world.swarm.deploy(aService('blog'));
  await world.settle();

  expect(tasksOf(world)).not.toEqual(before);
  expect(serverOf(world.served(), 'blog.example.org')).toContain('proxy_pass');
});

it('waits for agents that have just started', async () => {
  const world = await aWorld();
  const before = tasksOf(world);
  world.extension.agents = () => [];

  world.swarm.deploy(aService('blog'));
  await world.passes(3);

  expect(tasksOf(world)).toEqual(before);
  expect(world.status.outcomes[0]?.rolling).toBe(true);
});

it('sends a change to the other replicas while one hangs, and reports that replica', async () => {
  const world = await aWorld();
  const before = tasksOf(world);
  const { agents } = world.extension;
  world.extension.agents = (service) => agents(service).slice(1);
  world.swarm.clock.advance(60_000);

  world.swarm.deploy(aService('blog'));
  await world.passes(3);
  expect(serverOf(world.served(), 'blog.example.org')).toContain('proxy_pass');
  expect(tasksOf(world)).toEqual(before);

  world.swarm.clock.advance(11_000);
  await world.passes(1);
  const hung = agents('signalbox-extension')[0]!.task;
  expect(world.problems).toMatchObject([
    { severity: 'error', reason: expect.stringContaining(`Replica ${hung} of signalbox-proxy`) },
  ]);

  world.extension.agents = agents;
  await world.settle();
  expect(world.problems).toEqual([]);
  expect(tasksOf(world)).toEqual(before);
});

it('waits for agents to reconnect to an extension that has just started', async () => {
  const world = await aWorld();
  const before = tasksOf(world);
  const { agents } = world.extension;
  world.extension.agents = () => [];
  world.swarm.clock.advance(60_000);
  world.extension.since = world.swarm.clock.now();

  world.swarm.deploy(aService('blog'));
  await world.pass();
  expect(tasksOf(world)).toEqual(before);

  world.extension.agents = agents;
  await world.settle();
  expect(tasksOf(world)).toEqual(before);
  expect(serverOf(world.served(), 'blog.example.org')).toContain('proxy_pass');
});

it('rolls out if the settings say so', async () => {
  const world = new ControllerWorld({
    agents: true,
    settings: { Extensions: { default: { HitlessServiceUpdate: false } } },
  });
  world.swarm.deploy(aService('shop'));
  await world.settle();
  const before = tasksOf(world);

  world.swarm.deploy(aService('blog'));
  await world.settle();

  expect(tasksOf(world)).not.toEqual(before);
  expect(world.swarm.service('signalbox-proxy').observe().networkIds).toEqual(['app']);
});
