// Administrators switch layer 7 routing off and on, change its ports, and hold a cluster at a version.
import { expect, it } from 'vitest';
import { untouched } from '../../src/model/access/administration.ts';
import { aService } from '../support/builders.ts';
import { ControllerWorld, serverOf } from '../support/controller-world.ts';

it('Off removes everything that was created, on brings it back', async () => {
  const world = new ControllerWorld();
  await world.settle();
  const before = world.swarm.configs.map(({ name }) => name);
  world.administration = { ...untouched, enabled: false };
  await world.settle();
  expect(world.swarm.services).toEqual([]);
  expect(world.swarm.configs).toEqual([]);
  expect(world.swarm.secrets).toEqual([]);
  world.administration = untouched;
  await world.settle();
  expect(world.swarm.configs.map(({ name }) => name)).toEqual(before);
});

it('Holds a version until it is released', async () => {
  const world = new ControllerWorld();
  world.swarm.deploy(aService('first'));
  await world.settle();
  const { version } = world.status.outcomes[0]!;
  world.administration = { ...untouched, held: { default: version! } };
  world.swarm.deploy(aService('second'));
  await world.settle();
  expect(world.served()).not.toContain('second.example.org');
  expect(world.problems).toContainEqual(expect.objectContaining({ severity: 'notice', cluster: 'default' }));
  world.administration = untouched;
  await world.settle();
  expect(world.served()).toContain('second.example.org');
});

it('Closes a host for a while and opens it again, without changing its service or what is attached', async () => {
  const world = new ControllerWorld({ settings: { Extensions: { default: { PublishMode: 'host' } } } });
  world.swarm.deploy(aService('shop'));
  await world.settle();
  const open = world.served();
  const { networkIds } = (await world.swarm.observe()).owned.find(({ role }) => role === 'proxy')!;
  const since = '2026-01-01T00:00:00.000Z';
  const maintenance = [{ kind: 'host' as const, name: 'shop.example.org', allow: ['192.0.2.7'], who: 'admin', since }];
  world.administration = { ...untouched, maintenance };
  await world.settle();
  expect(serverOf(world.served(), 'shop.example.org')).toContain('return 503 $maintenance_page;');
  expect(world.served()).toContain('192.0.2.7 0;');
  expect((await world.swarm.observe()).owned.find(({ role }) => role === 'proxy')!.networkIds).toEqual(networkIds);
  world.administration = untouched;
  await world.settle();
  expect(world.served()).toBe(open);
});
