// From the decision for a configuration until all proxies serve it.
import { expect, it } from 'vitest';
import { aService } from '../support/builders.ts';
import { ControllerWorld, serverOf } from '../support/controller-world.ts';

const proxy = 'signalbox-proxy';
const MINUTE_MS = 60_000;

/** A controller whose proxies serve one service, `shop`. */
async function aRunningWorld(settings = {}): Promise<ControllerWorld> {
  const world = new ControllerWorld({ settings });
  world.swarm.deploy(aService('shop'));
  await world.settle();
  return world;
}

it('a roll-out runs one at a time: changes during it are combined into the next', async () => {
  const world = await aRunningWorld();
  world.swarm.deploy(aService('blog'));
  await world.pass();

  const meanwhile = await world.writesOf(async () => {
    for (const name of ['news', 'wiki', 'mail']) {
      world.swarm.deploy(aService(name));
      expect(await world.pass()).toEqual({ rolling: true });
    }
  });
  world.swarm.service(proxy).finish();
  const afterwards = await world.writesOf(() => world.settle());

  expect(meanwhile.filter((write) => write.includes('Service'))).toEqual([]);
  expect(afterwards.filter((write) => write.includes('Service'))).toEqual([`updateService ${proxy}`]);
  for (const name of ['blog', 'news', 'wiki', 'mail'])
    expect(serverOf(world.served(), `${name}.example.org`)).toBeDefined();
});

it('a roll-out is superseded if it hangs', async () => {
  const world = await aRunningWorld();
  world.swarm.deploy(aService('blog'));
  await world.pass();
  world.swarm.deploy(aService('news'));

  world.swarm.clock.advance(MINUTE_MS);
  expect(await world.writesOf(() => world.pass())).toEqual([expect.stringContaining('createConfig')]);
  world.swarm.clock.advance(MINUTE_MS);
  expect(await world.writesOf(() => world.pass())).toEqual([`updateService ${proxy}`]);
});

it('a roll-out is superseded if its roll-back hangs', async () => {
  const world = await aRunningWorld();
  world.swarm.deploy(aService('blog'));
  await world.pass();
  world.swarm.service(proxy).fail('no suitable node');
  await world.pass();
  world.swarm.deploy(aService('news'));

  expect(await world.writesOf(() => world.passes(3))).toEqual([expect.stringContaining('createConfig')]);
  world.swarm.clock.advance(10 * MINUTE_MS);
  expect(await world.writesOf(() => world.pass())).toEqual([`updateService ${proxy}`]);
});

it('a roll-out that is slow is waited for during its roll-back as well', async () => {
  const world = await aRunningWorld();
  world.swarm.deploy(aService('blog'));
  await world.pass();
  world.swarm.clock.advance(3 * MINUTE_MS);
  world.swarm.service(proxy).fail('unhealthy container');

  expect(await world.writesOf(() => world.passes(5))).toEqual([]);
});

it('a roll-out rolls back to a configuration that still exists, however many changes have come meanwhile', async () => {
  const world = await aRunningWorld();
  const served = world.served();
  for (let change = 0; change < 20; change++) {
    world.swarm.deploy(aService('blog', { host: `change-${change}.example.org` }));
    await world.pass();
  }

  world.swarm.rollBack(proxy, 'no room');

  expect(world.served()).toBe(served);
  await world.settle();
  expect(serverOf(world.served(), 'change-19.example.org')).toBeDefined();
  expect(world.swarm.configs.length).toBeLessThanOrEqual(13);
});

it('a roll-out is not retried immediately after it is rejected, and the problem says why', async () => {
  const world = await aRunningWorld();
  const served = world.served();
  world.swarm.deploy(aService('blog'));
  await world.pass();

  world.swarm.rollBack(proxy, 'task: non-zero exit (1)', '2026 [emerg] 1#1: host not found\nbye\n');
  const writes = await world.writesOf(() => world.passes(10));

  expect(writes).toEqual([`labelService ${proxy}`]);
  expect(world.served()).toBe(served);
  expect(world.problems).toEqual([
    expect.objectContaining({
      severity: 'error',
      cluster: 'default',
      reason: 'The proxies were rolled back: task: non-zero exit (1); 2026 [emerg] 1#1: host not found',
    }),
  ]);
  expect(world.messages('Rolled back proxies')).toHaveLength(1);
  expect(world.messages('Problem appeared')).toHaveLength(1);
});

it('a roll-out is retried when it is due, and the problem is gone if it succeeds', async () => {
  const world = await aRunningWorld();
  world.swarm.deploy(aService('blog'));
  await world.pass();
  world.swarm.rollBack(proxy, 'no address available');
  await world.passes(2);

  world.swarm.clock.advance(10_000);
  expect(await world.writesOf(() => world.pass())).toEqual([`updateService ${proxy}`]);
  await world.pass();
  expect(world.problems).toHaveLength(1);
  await world.settle();

  expect(serverOf(world.served(), 'blog.example.org')).toBeDefined();
  expect(world.problems).toEqual([]);
  expect(world.messages('Problem resolved')).toHaveLength(1);
});

it('a roll-out is retried at increasing intervals if it keeps failing', async () => {
  const world = await aRunningWorld();
  world.swarm.deploy(aService('blog'));
  await world.pass();

  for (const pause of [10, 20, 40, 80, 160, 320, 640, 1280, 1800, 1800]) {
    world.swarm.rollBack(proxy, 'no room');
    await world.passes(2);
    world.swarm.clock.advance((pause - 1) * 1000);
    expect(await world.writesOf(() => world.pass())).toEqual([]);
    world.swarm.clock.advance(1000);
    expect(await world.writesOf(() => world.pass())).toEqual([`updateService ${proxy}`]);
  }
});

it('a roll-out makes way immediately for a later change after it is rejected', async () => {
  const world = await aRunningWorld();
  world.swarm.deploy(aService('blog'));
  await world.pass();
  world.swarm.rollBack(proxy, 'no room');
  await world.passes(3);

  world.swarm.deploy(aService('blog', { host: 'mended.example.org' }));
  await world.settle();

  expect(serverOf(world.served(), 'mended.example.org')).toBeDefined();
  expect(world.problems).toEqual([]);
});

it('a roll-out stays rejected after the controller restarts', async () => {
  const world = await aRunningWorld();
  world.swarm.deploy(aService('blog'));
  await world.pass();
  world.swarm.rollBack(proxy, 'no room');
  await world.passes(3);

  const successor = world.restart();
  const writes = await successor.writesOf(() => successor.passes(5));

  expect(writes).toEqual([]);
  expect(successor.problems).toEqual([expect.objectContaining({ reason: expect.stringContaining('no room') })]);
});

it('a roll-out is waited for by a controller that starts during it', async () => {
  const world = await aRunningWorld();
  world.swarm.deploy(aService('blog'));
  await world.pass();

  const successor = world.restart();
  const writes = await successor.writesOf(() => successor.passes(5));
  world.swarm.rollBack(proxy, 'no room');
  const afterwards = await successor.writesOf(() => successor.passes(5));

  expect(writes).toEqual([]);
  expect(afterwards).toEqual([`labelService ${proxy}`]);
});

it('a roll-out of an extension is not retried immediately after it is rejected, and the previous extension keeps running', async () => {
  const world = await aRunningWorld();
  const successor = world.restart({ Extensions: { default: { Image: 'example.org/broken:1' } } });
  await successor.pass();

  successor.swarm.rollBack('signalbox-extension', 'No such image: example.org/broken:1');
  const writes = await successor.writesOf(() => successor.passes(10));

  expect(writes.filter((write) => write.startsWith('updateService'))).toEqual([]);
  expect(successor.problems).toEqual([
    expect.objectContaining({ reason: expect.stringContaining('No such image: example.org/broken:1') }),
  ]);

  successor.swarm.deploy(aService('blog'));
  await successor.pass();
  successor.swarm.service(proxy).finish();
  expect(serverOf(successor.served(), 'blog.example.org')).toBeDefined();
});

it('a roll-out of proxies stops the old replica first in host mode, and starts the new one first in ingress mode', async () => {
  const mesh = await aRunningWorld();
  const host = await aRunningWorld({ Extensions: { default: { PublishMode: 'host' } } });

  expect(mesh.swarm.service(proxy).spec.UpdateConfig).toMatchObject({
    Order: 'start-first',
    FailureAction: 'rollback',
  });
  expect(host.swarm.service(proxy).spec.UpdateConfig).toMatchObject({ Order: 'stop-first', FailureAction: 'rollback' });
  expect(host.swarm.service(proxy).spec.EndpointSpec.Ports).toMatchObject([
    { PublishedPort: 8080, PublishMode: 'host' },
    { PublishedPort: 8443, PublishMode: 'host' },
  ]);
});

it('the controller reports proxies of which no replica starts', async () => {
  const world = await aRunningWorld();

  world.swarm.service(proxy).breakReplicas('no suitable node (scheduling constraints not satisfied on 3 nodes)');
  await world.pass();

  expect(world.problems).toEqual([
    expect.objectContaining({
      cluster: 'default',
      reason: expect.stringContaining('No proxy is running: no suitable node'),
    }),
  ]);
});

it('the controller reports proxies that were scaled to 0 by hand', async () => {
  const world = new ControllerWorld({ agents: true });
  world.swarm.deploy(aService('shop'));
  await world.settle();

  world.swarm.amend('signalbox-proxy', (spec) => {
    spec.Mode = { Replicated: { Replicas: 0 } };
  });
  await world.passes(2);

  expect(world.problems).toMatchObject([
    { severity: 'error', reason: 'No proxy is running: signalbox-proxy is scaled to 0' },
  ]);
});
