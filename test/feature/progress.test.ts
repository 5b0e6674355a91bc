// What the controller's health check counts as a hanging loop, and what as a failure that is retried.

import { expect, it } from 'vitest';
import { RetryableError } from '../../src/lib/retryable.ts';
import { ControllerWorld } from '../support/controller-world.ts';

const MINUTE = 60_000;
const forever = new Promise<never>(() => {});

it('makes progress when there is nothing to do, and when the Engine is down', async () => {
  const world = new ControllerWorld();
  await world.settle();
  world.swarm.clock.advance(60 * MINUTE);
  expect(world.underWay.hangs).toBe(false);

  for (let minutes = 0; minutes < 10; minutes++) {
    world.swarm.failNext('observe', new RetryableError('connect ECONNREFUSED /var/run/docker.sock'));
    await expect(world.pass()).rejects.toThrow('ECONNREFUSED');
    world.swarm.clock.advance(MINUTE);
    expect(world.underWay.hangs).toBe(false);
  }
});

it('hangs if a pass does not end', async () => {
  const world = new ControllerWorld();
  world.swarm.observe = () => forever;
  void world.pass();

  world.swarm.clock.advance(2 * MINUTE);
  expect(world.underWay.hangs).toBe(false);
  world.swarm.clock.advance(2 * MINUTE);
  expect(world.underWay.hangs).toBe(true);
});

it('hangs if one cluster never finishes, although passes end without it', async () => {
  const east = { ServiceCluster: 'east', PublishedPort: 8081, PublishedSSLPort: 8444 };
  const world = new ControllerWorld({ settings: { Extensions: { default: {}, east } } });
  await world.settle();
  const render = world.extension.render.bind(world.extension);
  world.extension.render = (service, ...more) => (service.includes('east') ? forever : render(service, ...more));
  const pass = () => world.controllerPass(new AbortController().signal, 0, Promise.resolve());

  await pass();
  await pass();
  expect(world.underWay.hangs).toBe(false);
  world.swarm.clock.advance(4 * MINUTE);

  expect(world.underWay.hangs).toBe(true);
});
