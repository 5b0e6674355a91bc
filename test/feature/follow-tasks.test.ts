// How proxies follow tasks: by DNS name, by the addresses in Swarm's task list, or by name until agents report a name
// that cannot be trusted.
import { expect, it } from 'vitest';
import type { DoubtKind } from '../../src/model/dns/name-doubts.ts';
import { aNetwork, aNode, aService } from '../support/builders.ts';
import { ControllerWorld } from '../support/controller-world.ts';

const name = 'tasks.web.app';
const shop = '10.0.1.20';
const byName = `server "${name}:8080"`;
const following = (FollowTasks: string) => ({ Extensions: { default: { FollowTasks } } });
/** In the order of the configuration, with those of the service `shop` last. */
function peers(world: ControllerWorld): string[] {
  const all = [...world.served().matchAll(/server "([\d.]+):8080"/g)].map(([, address]) => address!);
  return [...all.filter((address) => address !== shop), ...all.filter((address) => address === shop)];
}

async function aWorld(FollowTasks = 'auto'): Promise<ControllerWorld> {
  const world = new ControllerWorld({ agents: true, settings: following(FollowTasks) });
  world.swarm.addNetwork(aNetwork('app', { subnets: ['10.0.1.0/24'] }));
  world.swarm.addNetwork(aNetwork('evil', { subnets: ['10.0.9.0/24'] }));
  world.swarm.deploy(aService('web', { virtualAddresses: { app: '10.0.1.2' } }));
  world.swarm.deploy(aService('shop', { virtualAddresses: { app: '10.0.1.3' } }));
  world.swarm.runTasks('web', ['10.0.1.12', '10.0.1.11']);
  world.swarm.runTasks('shop', [shop]);
  await world.settle();
  return world;
}

function report(world: ControllerWorld, kind: DoubtKind, hasMore = false): void {
  const address = kind === 'foreign' ? { address: '10.0.9.4' } : {};
  world.extension.doubts = { names: [{ name, kind, ...address }], hasMore };
}

/** Advances time, with a pass every three seconds, like the poll interval. */
async function wait(world: ControllerWorld, seconds: number): Promise<void> {
  for (let passed = 0; passed < seconds; passed += 3) {
    world.swarm.clock.advance(3000);
    await world.pass();
  }
}

it('uses task addresses instead of a name that a container has taken over, and returns to the name afterwards', async () => {
  const world = await aWorld();
  expect(world.served()).toContain(byName);
  expect(world.served()).toContain('# network app 10.0.1.0/24');

  report(world, 'foreign');
  const writes = await world.writesOf(() => world.passes(2));

  expect(peers(world)).toEqual(['10.0.1.11', '10.0.1.12']);
  expect(world.served()).not.toContain(byName);
  expect(world.served()).toContain(`# doubted ${name}`);
  expect(world.served()).toContain('server "tasks.shop.app:8080"');
  expect(writes.filter((write) => write.startsWith('updateService'))).toEqual([]);
  expect(world.problems).toMatchObject([{ severity: 'warning', service: 'web', cluster: 'default', value: name }]);
  expect(world.problems[0]!.reason).toContain('a container on network evil has this name as an alias');
  expect(world.problems[0]!.remedy).toContain('10.0.9.4');

  world.swarm.runTasks('web', ['10.0.1.13']);
  await world.passes(2);
  expect(peers(world)).toEqual(['10.0.1.13']);

  world.extension.doubts = undefined;
  await wait(world, 57);
  expect(peers(world)).toEqual(['10.0.1.13']);
  await wait(world, 9);

  expect(world.served()).toContain(byName);
  expect(world.served()).not.toContain('# doubted');
  expect(world.problems).toEqual([]);
});

it.each([
  ['missing', 'a Docker Engine bug'],
  ['silent', "gets no answer from Docker's DNS"],
] as const)('uses task addresses instead of a %s name if tasks are running', async (kind, reason) => {
  const world = await aWorld();
  world.swarm.runTasks('web', []);
  report(world, kind);
  await wait(world, 30);
  expect(world.served()).toContain(byName);
  expect(world.problems).toEqual([]);

  world.swarm.runTasks('web', ['10.0.1.11']);
  await wait(world, 9);
  expect(world.served()).toContain(byName);
  await wait(world, 6);

  expect(peers(world)).toEqual(['10.0.1.11']);
  expect(world.problems.map((problem) => problem.reason)).toEqual([expect.stringContaining(reason)]);
});

it('keeps using addresses while the extension is down, and while its agents reconnect', async () => {
  const world = await aWorld();
  report(world, 'foreign');
  await world.passes(2);

  world.extension.away.add('signalbox-extension');
  for (let times = 0; times < 20; times++) {
    world.swarm.clock.advance(3000);
    await world.pass().catch(() => undefined);
  }
  world.extension.away.clear();
  world.extension.doubts = undefined;
  await wait(world, 30);
  report(world, 'foreign');
  await wait(world, 60);

  expect(peers(world)).toEqual(['10.0.1.11', '10.0.1.12']);
});

it('answers 503 instead of sending requests to a foreign container if a service whose name is taken over has no tasks', async () => {
  const world = await aWorld();
  report(world, 'foreign');
  world.swarm.runTasks('web', []);
  await world.passes(2);

  expect(world.served()).not.toContain(byName);
  expect(world.served()).toContain(`# doubted ${name}`);
  expect(peers(world)).toEqual([]);
});

it('uses addresses for all services if an agent doubts more names than it can report', async () => {
  const world = await aWorld();
  report(world, 'missing', true);
  await wait(world, 15);

  expect(peers(world)).toEqual(['10.0.1.11', '10.0.1.12', shop]);
  expect(world.problems).toMatchObject([{ cluster: 'default', severity: 'warning' }]);
  expect(world.problems[0]!.reason).toContain('for all services');
});

it('ignores doubts about names of other clusters, unknown services and services without routes', async () => {
  const world = await aWorld();
  world.swarm.deploy({ ...aService('internal'), labels: {} });
  await world.settle();
  const before = world.served();
  world.extension.doubts = {
    names: ['tasks.internal.app', 'tasks.unknown.app', 'a.b.c.d', 'web'].map((name) => ({ name, kind: 'foreign' })),
    hasMore: false,
  };

  const writes = await world.writesOf(() => wait(world, 30));

  expect(world.served()).toBe(before);
  expect(writes).toEqual([]);
  expect(world.problems).toEqual([]);
});

it('ignores doubts from proxies that have ended', async () => {
  const world = await aWorld();
  const [agent] = world.extension.agents('signalbox-extension');
  world.extension.lastReports = [
    {
      ...{ task: 'ended', boot: agent!.boot, serving: agent!.boot, refused: null },
      doubts: { names: [{ name, kind: 'missing' }], hasMore: false },
    },
  ];

  await wait(world, 30);

  expect(world.served()).toContain(byName);
  expect(world.problems).toEqual([]);
});

it('updates task addresses in place, and removes those of a lost node immediately', async () => {
  const world = await aWorld('addresses');
  expect(peers(world)).toEqual(['10.0.1.11', '10.0.1.12', shop]);
  expect(world.served()).not.toMatch(/tasks\.|# network/);

  world.swarm.runTasks('web', ['10.0.1.14', '10.0.1.12']);
  const writes = await world.writesOf(() => world.settle());
  expect(peers(world)).toEqual(['10.0.1.12', '10.0.1.14', shop]);
  expect(writes.filter((write) => write.startsWith('updateService'))).toEqual([]);

  world.swarm.runTasks('shop', [shop], 'app', 'worker2');
  world.swarm.addNode(aNode('worker1', { ready: false }));
  await world.settle();
  expect(peers(world)).toEqual([shop]);
  expect(world.problems).toEqual([]);
});

it('follows names with FollowTasks = "dns", whatever agents report', async () => {
  const world = await aWorld('dns');
  report(world, 'foreign');
  await wait(world, 6);

  expect(world.served()).toContain(byName);
  expect(world.served()).not.toContain('# network');
});

it('follows names without agents, and reports that addresses need agents', async () => {
  const settings = { Extensions: { default: { FollowTasks: 'addresses', HitlessServiceUpdate: false } } };
  const world = new ControllerWorld({ agents: true, settings });
  world.swarm.deploy(aService('web'));
  await world.settle();

  expect(world.served()).toContain(byName);
  expect(world.problems).toMatchObject([{ label: 'Extensions.default.FollowTasks', value: 'addresses' }]);
});

it('uses the virtual address in vip mode', async () => {
  const world = new ControllerWorld({ agents: true, settings: following('addresses') });
  const lb = { backend_mode: 'vip' };
  world.swarm.deploy(aService('web', { virtualAddresses: { app: '10.0.1.2' }, lb }));
  await world.settle();

  expect(peers(world)).toEqual(['10.0.1.2']);
});
