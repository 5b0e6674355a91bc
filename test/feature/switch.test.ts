// Administrators switch layer 7 routing off and on, move its ports, and hold a cluster at a version.
import { expect, it } from 'vitest';
import { untouched } from '../../src/model/administration.ts';
import { aService } from '../support/builders.ts';
import { ControllerWorld } from '../support/controller-world.ts';

it('Off removes all that was made, on brings it back', async () => {
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
