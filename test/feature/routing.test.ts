// Routes are created, changed and removed with services. A change that affects no route writes nothing.
import { expect, it } from 'vitest';
import { aNetwork, aService } from '../support/builders.ts';
import { ControllerWorld, serverOf } from '../support/controller-world.ts';

it('publishes a service under its host', async () => {
  const world = new ControllerWorld();

  world.swarm.deploy(aService('shop'));
  await world.settle();

  expect(serverOf(world.served(), 'shop.example.org')).toContain('proxy_pass');
  expect(world.served()).toContain('server "tasks.shop.app:8080" max_fails=0 resolve;');
  expect(world.swarm.service('signalbox-proxy').observe()).toMatchObject({
    networkIds: ['app'],
    labels: { type: 'com.docker.interlock.core.proxy' },
    rollout: { kind: 'settled' },
  });
  expect(world.problems).toEqual([]);
});

it('answers 503 for every host before there is any service', async () => {
  const world = new ControllerWorld();

  await world.settle();

  expect(world.served()).toContain('return 503');
  expect(world.swarm.services.map(({ name }) => name)).toEqual(['signalbox-extension', 'signalbox-proxy']);
});

it('writes nothing when services are scaled', async () => {
  const world = new ControllerWorld();
  world.swarm.deploy(aService('shop'));
  await world.settle();

  const writes = await world.writesOf(async () => {
    for (const replicas of [3, 1, 20, 2]) {
      world.swarm.scale('shop', replicas);
      await world.passes(2);
    }
  });

  expect(writes).toEqual([]);
});

it('answers 503 for a service without tasks, and routes it again when it has some', async () => {
  const world = new ControllerWorld();
  world.swarm.deploy(aService('shop'));
  await world.settle();
  const routed = world.served();

  world.swarm.scale('shop', 0);
  await world.settle();

  expect(serverOf(world.served(), 'shop.example.org')).toContain('return 503');
  expect(world.served()).not.toContain('tasks.shop');

  world.swarm.scale('shop', 1);
  await world.settle();

  expect(world.served()).toBe(routed);
});

it('removes route and network of a removed service, so that its network can be deleted', async () => {
  const world = new ControllerWorld();
  world.swarm.addNetwork(aNetwork('other'));
  world.swarm.deploy(aService('shop'));
  world.swarm.deploy(aService('blog', { networks: ['other'] }));
  await world.settle();

  world.swarm.remove('blog');
  expect(() => world.swarm.removeNetwork('other')).toThrow('in use');
  await world.settle();

  expect(serverOf(world.served(), 'blog.example.org')).toBeUndefined();
  expect(serverOf(world.served(), 'shop.example.org')).toBeDefined();
  world.swarm.removeNetwork('other');
  await world.settle();
  expect(world.problems).toEqual([]);
});

it('shares a host between services', async () => {
  const world = new ControllerWorld();

  for (const name of ['blue', 'green']) world.swarm.deploy(aService(name, { host: 'shop.example.org' }));
  await world.settle();

  expect(world.served()).toMatch(
    /server "tasks\.blue\.app:8080" max_fails=0 resolve;\s+server "tasks\.green\.app:8080" max_fails=0 resolve;/,
  );
});

it('reaches services in host mode at their nodes, and follows their tasks', async () => {
  const world = new ControllerWorld();
  const ports = [{ target: 8080, published: 32_768, mode: 'host', protocol: 'tcp' }] as const;
  world.swarm.deploy(aService('shop', { networks: [], ports: [{ ...ports[0], published: undefined }] }));
  const { services } = await world.swarm.observe();
  const serviceId = services[0]!.id;
  world.swarm.setHostTasks([{ serviceId, nodeId: 'worker1', ports }]);
  await world.settle();

  expect(world.served()).toContain('server "192.0.2.1:32768" max_fails=0;');

  world.swarm.setHostTasks([]);
  await world.settle();

  expect(serverOf(world.served(), 'shop.example.org')).toContain('return 503');
});

it('writes nothing in an idle swarm, however often it observes it', async () => {
  const world = new ControllerWorld();
  for (const name of ['shop', 'blog']) world.swarm.deploy(aService(name));
  await world.settle();
  const logged = world.logs.length;

  const writes = await world.writesOf(() => world.passes(50));

  expect(writes).toEqual([]);
  expect(world.logs.slice(logged)).toEqual([]);
});

it('rolls back to configurations that still exist, and keeps ten beside those in use', async () => {
  const world = new ControllerWorld();
  for (let change = 0; change < 20; change++) {
    world.swarm.deploy(aService('shop', { host: `change-${change}.example.org` }));
    await world.settle();
  }

  const kept = world.swarm.configs.map(({ data }) => /change-(\d+)/.exec(data)?.[1]);

  // The eleventh existed when the newest replaced its predecessor.
  expect(kept).toEqual(['9', '10', '11', '12', '13', '14', '15', '16', '17', '18', '19']);
  expect(serverOf(world.served(), 'change-19.example.org')).toBeDefined();
});
