// Several controllers at once, and one after another. All of their state is in the swarm.
import { describe, expect, it } from 'vitest';
import { Administrator } from '../../src/controller/admin/administrator.ts';
import { ConflictError, type SavedText } from '../../src/controller/ports.ts';
import { aService } from '../support/builders.ts';
import { ControllerWorld, serverOf } from '../support/controller-world.ts';
import { FakeAdministrationStore } from '../support/fake-administration-store.ts';

const proxy = 'signalbox-proxy';

/** Both controllers observe at the same moment, as in a real swarm, so one of them may lose the race. */
async function passTogether(...worlds: readonly ControllerWorld[]): Promise<void> {
  const settled = await Promise.allSettled(worlds.map((world) => world.pass()));
  for (const result of settled) if (result.status === 'rejected') expect(result.reason).toBeInstanceOf(ConflictError);
}

it('controllers reach the same state and settle', async () => {
  const first = new ControllerWorld();
  const second = first.restart();
  const { swarm } = first;

  for (let change = 0; change < 12; change++) {
    swarm.deploy(aService('shop', { host: `change-${change}.example.org` }));
    for (let times = 0; times < 4; times++) {
      await passTogether(first, second);
      for (const service of swarm.services.filter(({ isRolling }) => isRolling)) service.finish();
    }
  }
  const writes = await first.writesOf(async () => {
    for (let times = 0; times < 20; times++) await passTogether(first, second);
  });

  expect(writes).toEqual([]);
  expect(serverOf(first.served(), 'change-11.example.org')).toBeDefined();
  expect(swarm.writes.filter((write) => write === `updateService ${proxy}`)).toHaveLength(11);
  expect(second.problems).toEqual(first.problems);
});

it('controllers agree on which version was rejected', async () => {
  const first = new ControllerWorld();
  const second = first.restart();
  const { swarm } = first;
  swarm.deploy(aService('shop'));
  await first.settle();
  swarm.deploy(aService('blog'));

  const writes = await first.writesOf(async () => {
    await passTogether(first, second);
    await passTogether(second, first);
    swarm.rollBack(proxy, 'no room');
    for (let times = 0; times < 10; times++) await passTogether(first, second);
  });

  expect(writes.filter((write) => write.endsWith(proxy))).toEqual([`updateService ${proxy}`, `labelService ${proxy}`]);
});

it('controllers take over from each other without a write', async () => {
  const world = new ControllerWorld();
  world.swarm.deploy(aService('shop'));
  await world.settle();

  for (let times = 0; times < 3; times++) {
    const successor = world.restart();
    expect(await successor.writesOf(() => successor.passes(3))).toEqual([]);
  }
});

describe("an administrator's decision on one controller", () => {
  function twoControllers(FirstStore = FakeAdministrationStore) {
    const one = new ControllerWorld();
    const two = one.restart();
    one.swarm.deploy(aService('shop'));
    let triggers = 0;
    for (const world of [one, two]) {
      world.administrator = new Administrator({
        store: world === one ? new FirstStore(world.swarm) : new FakeAdministrationStore(world.swarm),
        settings: world.settings,
        applications: async () => (await world.swarm.observe()).services,
        status: {
          get current() {
            return world.status;
          },
        },
        trigger: () => {
          triggers += 1;
        },
        now: () => Date.parse('2026-01-01T00:00:00Z') + triggers,
      });
    }
    return { one, two, first: one.administrator!, second: two.administrator! };
  }
  const host = { kind: 'host', name: 'shop.example.org' } as const;

  it('is applied and shown by the others', async () => {
    const { one, two, first, second } = twoControllers();
    await one.settle();
    await two.settle();
    await first.startMaintenance({ name: 'admin' }, host, []);
    await two.settle();
    expect(two.served()).toContain('return 503 $maintenance_page;');
    expect(second.current).toEqual(first.current);
    await second.endMaintenance({ name: 'admin' }, host);
    await one.settle();
    expect(one.served()).toContain('proxy_pass');
    expect(first.current.changes).toHaveLength(2);
  });

  it('does not overwrite a concurrent decision on another', async () => {
    const { one, two, first, second } = twoControllers();
    await one.settle();
    await two.settle();
    await Promise.all([
      first.disable({ name: 'admin' }),
      second.startMaintenance({ name: 'admin' }, host, []),
      first.startMaintenance({ name: 'admin' }, { kind: 'service', name: 'shop' }, []),
    ]);
    await second.endMaintenance({ name: 'admin' }, host);
    await one.settle();
    await two.settle();
    expect(first.current).toMatchObject({ enabled: false, maintenance: [{ kind: 'service', name: 'shop' }] });
    expect(second.current).toEqual(first.current);
    expect(first.current.changes).toHaveLength(4);
    expect(one.swarm.configs.filter(({ name }) => name.includes('administration'))).toHaveLength(1);
  });

  it('is written once if another controller built on it before the answer arrived', async () => {
    let isQuick = true;
    class OvertakenStore extends FakeAdministrationStore {
      override async save(saved: SavedText): Promise<void> {
        await super.save(saved);
        if (!isQuick) return;
        isQuick = false;
        await second.load();
        await second.disable({ name: 'other' });
        throw new ConflictError('out of date');
      }
    }
    const { one, first, second } = twoControllers(OvertakenStore);
    await one.settle();
    await first.startMaintenance({ name: 'admin' }, host, []);
    expect(first.current.changes.map(({ who }) => who)).toEqual(['other', 'admin']);
    expect(second.current).toEqual(first.current);
  });

  it.each(['{', '{"enabled":"perhaps"}'])('changes nothing if it cannot be read: %s', async (text) => {
    const { one, second } = twoControllers();
    await one.settle();
    const before = one.served();
    await new FakeAdministrationStore(one.swarm).save({ revision: 7, text });
    await expect(one.pass()).rejects.toThrow('The Docker config signalbox.administration.7 is invalid: ');
    expect(one.served()).toBe(before);
    await expect(second.disable({ name: 'admin' })).rejects.toThrow('is invalid');
  });
});
