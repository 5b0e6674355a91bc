// Configurations too large for one Docker config.
import { expect, it } from 'vitest';
import { versionConfigs } from '../../src/controller/plan/versions.ts';
import { partsLabel, versionLabel } from '../../src/model/names.ts';
import { aService } from '../support/builders.ts';
import { ControllerWorld, serverOf } from '../support/controller-world.ts';
import { manyServices } from '../support/many-services.ts';

const proxy = 'signalbox-proxy';

async function aLargeWorld(): Promise<ControllerWorld> {
  const world = new ControllerWorld();
  for (const service of manyServices(800)) world.swarm.deploy(service);
  await world.settle();
  return world;
}

function change(world: ControllerWorld, port: number): void {
  world.swarm.deploy(aService('service7', { port: String(port) }));
}

it('large configurations are stored in several configs, each below the limit, and served completely', async () => {
  const world = await aLargeWorld();

  const sizes = world.swarm.configs.map(({ data }) => data.length);

  expect(sizes.length).toBeGreaterThan(4);
  expect(Math.max(...sizes)).toBeLessThan(256 * 1024);
  const { Configs } = world.swarm.service(proxy).spec.TaskTemplate.ContainerSpec;
  expect(Configs).toHaveLength(sizes.length);
  for (const n of [0, 7, 799]) expect(serverOf(world.served(), `service${n}.example.org`)).toBeDefined();
});

it('large configurations are updated by part, and an idle swarm makes no writes', async () => {
  const world = await aLargeWorld();

  change(world, 9000);
  const writes = await world.writesOf(() => world.settle());

  const created = writes.filter((write) => write.startsWith('createConfig'));
  // The main file, the part with the host, and those with the old and the new upstream.
  expect(created.length).toBeLessThanOrEqual(4);
  expect(writes).toEqual([...created, `updateService ${proxy}`]);
  expect(await world.writesOf(() => world.passes(2))).toEqual([]);
});

it('large configurations share parts, which are kept exactly as long as a stored version needs them', async () => {
  const world = await aLargeWorld();
  for (let port = 9000; port < 9014; port++) {
    change(world, port);
    await world.settle();
    world.swarm.clock.advance(1000);
  }

  const { configs } = await world.swarm.observe();

  const mains = configs.filter(({ labels }) => labels[versionLabel] !== undefined);
  const needed = mains.flatMap(({ labels }) => versionConfigs(configs, 'default', labels[versionLabel]!));
  expect(mains).toHaveLength(11);
  for (const { labels } of mains)
    expect(versionConfigs(configs, 'default', labels[versionLabel]!)).toHaveLength(
      1 + labels[partsLabel]!.split(' ').length,
    );
  expect(new Set(needed.map(({ name }) => name))).toEqual(new Set(configs.map(({ name }) => name)));
});

it('large configurations can be rolled back to', async () => {
  const world = await aLargeWorld();
  const before = world.served();
  const held = world.swarm.service(proxy).spec.Labels[versionLabel];
  change(world, 9000);
  await world.settle();
  expect(world.served()).not.toBe(before);

  world.administration = { ...world.administration, held: { default: held } };
  await world.settle();

  expect(world.served()).toBe(before);
});

it('large configurations shrink to one config again', async () => {
  const world = await aLargeWorld();
  for (let n = 5; n < 800; n++) world.swarm.remove(`service${n}`);

  await world.settle();

  const { Configs } = world.swarm.service(proxy).spec.TaskTemplate.ContainerSpec;
  expect(Configs).toHaveLength(1);
  expect(serverOf(world.served(), 'service4.example.org')).toBeDefined();
});
