// Removed Docker configs and secrets of Signalbox are written again by the running controller.
import { describe, expect, it } from 'vitest';
import { Administrator } from '../../src/controller/admin/administrator.ts';
import { aService } from '../support/builders.ts';
import { ControllerWorld } from '../support/controller-world.ts';
import { FakeAdministrationStore } from '../support/fake-administration-store.ts';
import type { FakeSwarm } from '../support/fake-swarm.ts';

/** A version applied in place: no service uses its configs, so they can be removed. */
async function aWorld(): Promise<ControllerWorld> {
  const world = new ControllerWorld({ agents: true });
  world.swarm.deploy(aService('shop'));
  await world.settle();
  world.swarm.deploy(aService('blog'));
  await world.settle();
  return world;
}

const configNames = ({ configs }: FakeSwarm) => configs.map(({ name }) => name).toSorted();
const secretNames = ({ secrets }: FakeSwarm) => secrets.map(({ name }) => name).toSorted();

/** Removes objects that Swarm allows to be removed: those that no service uses. */
async function removeAll({ swarm }: ControllerWorld): Promise<number> {
  const removals = [
    ...swarm.configs.map(
      ({ id }) =>
        () =>
          swarm.removeConfig(id),
    ),
    ...swarm.secrets.map(
      ({ id }) =>
        () =>
          swarm.removeSecret(id),
    ),
  ];
  let removed = 0;
  for (const remove of removals) {
    const done = await remove().then(
      () => true,
      () => false,
    );
    if (done) removed += 1;
  }
  return removed;
}

describe('an object that no service uses', () => {
  it('is written again: the version that the proxies serve', async () => {
    const world = await aWorld();
    const served = world.served();

    expect(await removeAll(world)).toBeGreaterThan(0);
    await world.pass();

    expect(world.served()).toBe(served);
    expect(world.problems).toEqual([]);
  });

  it('is written again together with the services that used it', async () => {
    const world = await aWorld();
    const before = secretNames(world.swarm);
    const served = world.served();

    for (const name of ['signalbox-extension', 'signalbox-proxy'])
      await world.swarm.removeService(world.swarm.service(name).id);
    await removeAll(world);
    expect(configNames(world.swarm)).toEqual([]);
    expect(secretNames(world.swarm)).toEqual([]);
    await world.settle();

    expect(secretNames(world.swarm)).toEqual(before);
    expect(world.served()).toBe(served);
  });
});

describe('what administrators decided', () => {
  function administratorOf(world: ControllerWorld): Administrator {
    return new Administrator({
      store: new FakeAdministrationStore(world.swarm),
      settings: world.settings,
      applications: async () => (await world.swarm.observe()).services,
      status: {
        get current() {
          return world.status;
        },
      },
      trigger: () => undefined,
      now: () => Date.parse('2026-01-01T00:00:00Z'),
    });
  }
  const decisions = ({ configs }: FakeSwarm) =>
    configs.filter(({ name }) => name.startsWith('signalbox.administration.'));
  const host = { kind: 'host', name: 'shop.example.org' } as const;

  it('stays in force when its config is removed, also for the next controller', async () => {
    const world = await aWorld();
    world.administrator = administratorOf(world);
    await world.administrator.startMaintenance({ name: 'admin' }, host, []);
    await world.settle();

    for (const { id } of decisions(world.swarm)) await world.swarm.removeConfig(id);
    await world.pass();

    expect(decisions(world.swarm)).toHaveLength(1);
    const successor = administratorOf(world);
    await successor.load();
    expect(successor.current).toEqual(world.administrator.current);
    expect(await world.writesOf(() => world.passes(3))).toEqual([]);
  });

  it('is written once if two controllers find it missing', async () => {
    const one = await aWorld();
    const two = one.restart();
    for (const world of [one, two]) world.administrator = administratorOf(world);
    await one.administrator!.startMaintenance({ name: 'admin' }, host, []);
    await one.settle();
    await two.settle();

    for (const { id } of decisions(one.swarm)) await one.swarm.removeConfig(id);
    await Promise.all([one.pass(), two.pass()]);
    await Promise.all([one.pass(), two.pass()]);

    expect(decisions(one.swarm)).toHaveLength(1);
    expect(two.administrator!.current).toEqual(one.administrator!.current);
    expect(await one.writesOf(() => Promise.all([one.pass(), two.pass()]))).toEqual([]);
  });

  it('is not written if there are no decisions', async () => {
    const world = await aWorld();
    world.administrator = administratorOf(world);
    await world.settle();

    expect(decisions(world.swarm)).toEqual([]);
  });
});
