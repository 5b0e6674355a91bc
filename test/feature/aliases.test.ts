// Services on the swarm may claim each other's DNS names by network aliases.
import { expect, it } from 'vitest';
import { aNetwork, aService } from '../support/builders.ts';
import { ControllerWorld, serverOf } from '../support/controller-world.ts';

const victim = () => aService('web', { virtualAddresses: { app: '10.0.1.2' } });
const hostile = (network: string) =>
  aService('evil', {
    networks: [network],
    claims: [{ kind: 'alias', name: 'tasks.web.app', networkIds: [network] }],
  });

async function aWorld(...networks: readonly string[]): Promise<ControllerWorld> {
  const world = new ControllerWorld({ agents: true });
  for (const network of networks) world.swarm.addNetwork(aNetwork(network));
  world.swarm.deploy(victim());
  await world.settle();
  world.swarm.clock.advance(1000);
  return world;
}

const networksOf = (world: ControllerWorld) => world.swarm.service('signalbox-proxy').observe().networkIds;

it('does not join a network for a service that claims the DNS name of another', async () => {
  const world = await aWorld('evil');
  const before = world.served();

  const writes = await world.writesOf(async () => {
    world.swarm.deploy(hostile('evil'));
    await world.settle();
  });

  expect(networksOf(world)).not.toContain('evil');
  expect(writes.filter((write) => write.startsWith('updateService'))).toEqual([]);
  expect(serverOf(world.served(), 'web.example.org')).toBe(serverOf(before, 'web.example.org'));
  expect(serverOf(world.served(), 'evil.example.org')).toContain('return 503');
  expect(world.problems).toMatchObject([{ severity: 'error', service: 'evil', value: 'tasks.web.app' }]);
  expect(world.logs.filter(({ service }) => service === 'evil')).toHaveLength(1);

  world.swarm.deploy({ ...hostile('evil'), claims: undefined });
  await world.settle();

  expect(networksOf(world)).toContain('evil');
  expect(world.problems).toEqual([]);
});

it('reaches a service whose name is claimed on a network of the proxies by its virtual address', async () => {
  const world = await aWorld('shared');
  world.swarm.deploy(aService('shop', { networks: ['shared'] }));
  await world.settle();

  world.swarm.deploy({ ...hostile('shared'), labels: {} });
  await world.pass();

  expect(world.served()).toContain('server "10.0.1.2:8080"');
  expect(world.served()).not.toContain('tasks.web.app');
  expect(world.served()).toContain('tasks.shop.shared');

  world.swarm.remove('evil');
  await world.settle();

  expect(world.served()).toContain('server "tasks.web.app:8080"');
  expect(world.problems).toEqual([]);
});
