// The tasks of routed services: what is asked of Swarm and when, what is reported, and how it ends.
import { expect, it } from 'vitest';
import { toState } from '../../src/controller/admin/state.ts';
import type { TaskRecord } from '../../src/model/backends/task.ts';
import { aNetwork, aService } from '../support/builders.ts';
import { ControllerWorld } from '../support/controller-world.ts';

const crash = (place: string): Partial<TaskRecord>[] => [
  { place, state: 'failed', desiredState: 'shutdown', exitCode: 1, error: 'task: non-zero exit (1)' },
  { place, state: 'ready', desiredState: 'ready' },
];
const twoTasks = { mode: { kind: 'replicated', replicas: 2 } } as const;

async function aWorld(): Promise<ControllerWorld> {
  const world = new ControllerWorld({ agents: true });
  world.swarm.addNetwork(aNetwork('app', { subnets: ['10.0.1.0/24'] }));
  world.swarm.deploy(aService('web', twoTasks));
  world.swarm.deploy(aService('shop'));
  await world.settle();
  return world;
}

const idOf = (world: ControllerWorld, name: string) =>
  world.status.snapshot.services.find((one) => one.name === name)!.id;
const reasons = (world: ControllerWorld) => world.problems.map(({ severity, reason }) => `${severity}: ${reason}`);
const viewOf = (world: ControllerWorld) => toState(world.status, undefined, world.administration);
const answerOf = (world: ControllerWorld, name: string) =>
  viewOf(world).routes.find(({ services }) => services.includes(name))!.answer;

async function look(world: ControllerWorld): Promise<boolean> {
  const isChanged = await world.backends.look();
  await world.pass();
  return isChanged;
}

it('asks for no tasks while all of them run', async () => {
  const world = await aWorld();
  world.swarm.countTasks();
  await world.pass();
  world.swarm.failNext('serviceTasks', new Error('Nobody should ask'));

  expect(await world.backends.look()).toBe(false);
  expect(viewOf(world).services).toMatchObject([
    { name: 'web', running: 2, desired: 2, unreachable: 0 },
    { name: 'shop', running: 1, desired: 1 },
  ]);
  expect(answerOf(world, 'web')).toEqual({ kind: 'service', text: '2 of 2 tasks' });
});

it('reports a service whose tasks end after an event of it, and clears it once they run', async () => {
  const world = await aWorld();
  world.swarm.setTasks('web', [...crash('1'), ...crash('2')]);
  world.backends.note(idOf(world, 'web'));

  expect(await look(world)).toBe(true);
  const reason = '0 of 2 tasks of web run: the application ends with exit code 1';
  expect(reasons(world)).toEqual([`error: ${reason}`]);
  expect(answerOf(world, 'web')).toEqual({ kind: 'no-task-runs', text: reason, problemOf: 'web' });
  expect(answerOf(world, 'shop').kind).toBe('service');
  expect(world.messages('Problem appeared')).toHaveLength(1);
  expect(await look(world)).toBe(false);

  world.swarm.setTasks('web', [{}, {}]);
  world.swarm.clock.advance(6000);
  expect(await look(world)).toBe(true);
  expect(reasons(world)).toEqual([]);
  expect(answerOf(world, 'web')).toEqual({ kind: 'service', text: '2 of 2 tasks' });
});

it('finds missing tasks in the listing of services, without an event', async () => {
  const world = await aWorld();
  world.swarm.setTasks('web', [...crash('1'), { place: '2' }]);
  world.swarm.countTasks();
  await world.pass();
  expect(answerOf(world, 'web')).toEqual({ kind: 'service', text: '1 of 2 tasks' });

  await look(world);
  expect(reasons(world)).toEqual(['warning: 1 of 2 tasks of web run: the application ends with exit code 1']);
  expect(answerOf(world, 'web')).toMatchObject({ kind: 'some-tasks', problemOf: 'web' });
});

it('looks at a service whose name a proxy misses in DNS', async () => {
  const world = await aWorld();
  world.swarm.setTasks('web', [...crash('1'), ...crash('2')]);
  world.extension.doubts = { names: [{ name: 'tasks.web.app', kind: 'missing' }], hasMore: false };
  await world.pass();

  expect(await look(world)).toBe(true);
  expect(reasons(world)).toHaveLength(1);
});

it('reports what the proxies cannot connect to, of their own routes only', async () => {
  const world = await aWorld();
  const fault = { port: 8080, tasks: 2, refused: 2, timedOut: 0, unreachable: 0 };
  world.extension.faults = {
    peers: [
      { ...fault, address: 'tasks.web.app' },
      { ...fault, address: 'tasks.web.app', port: 22 },
      { ...fault, address: 'tasks.other.app' },
    ],
    hasMore: false,
  };
  await world.pass();

  expect(reasons(world)).toEqual([
    'error: Nothing listens on port 8080 of web: 2 of 2 tasks refuse connections. Does the application listen on 127.0.0.1, or on another port?',
  ]);
  expect(viewOf(world).services[0]).toMatchObject({ name: 'web', unreachable: 2 });
  expect(answerOf(world, 'web').kind).toBe('no-task-runs');

  world.extension.faults = undefined;
  await world.pass();
  expect(reasons(world)).toEqual([]);
});

it('ignores reports from proxies that have ended', async () => {
  const world = await aWorld();
  const [agent] = world.extension.agents('signalbox-extension');
  const peer = { address: 'tasks.web.app', port: 8080, tasks: 2, refused: 2, timedOut: 0, unreachable: 0 };
  const faults = { peers: [peer], hasMore: false };
  world.extension.lastReports = [{ task: 'ended', boot: agent!.boot, serving: agent!.boot, refused: null, faults }];
  await world.pass();

  expect(reasons(world)).toEqual([]);
});

it('reports nothing for a service that desires no tasks', async () => {
  const world = await aWorld();
  world.swarm.scale('web', 0);
  world.swarm.setTasks('web', crash('1').slice(0, 1));
  world.backends.note(idOf(world, 'web'));
  await world.settle();
  await look(world);

  expect(reasons(world)).toEqual([]);
  expect(answerOf(world, 'web').kind).toBe('no-tasks-desired');
});

it('looks at a few services at a time, and at each of them in turn', async () => {
  const world = await aWorld();
  const names = Array.from({ length: 150 }, (_, position) => `many${position}`);
  for (const name of names) {
    world.swarm.deploy(aService(name));
    world.swarm.setTasks(name, crash('1'));
  }
  await world.settle();
  world.swarm.countTasks();
  await world.pass();

  await look(world);
  expect(reasons(world)).toHaveLength(100);
  await look(world);
  expect(reasons(world)).toHaveLength(150);
});

it('says which label closes a route, and which older service shadows one', async () => {
  const world = await aWorld();
  world.swarm.deploy(aService('closed', { port: 'eighty' }));
  world.swarm.deploy(aService('secure', { lb: { ssl_cert: 'no-such-secret', ssl_key: 'no-such-secret' } }));
  world.swarm.deploy(aService('works', { lb: { maintenance: 'true' } }));
  await world.settle();

  expect(answerOf(world, 'closed')).toMatchObject({
    kind: 'closed',
    text: expect.stringMatching(/^closed by com\.docker\.lb\.port "eighty": /),
    problemOf: 'closed',
  });
  expect(answerOf(world, 'secure')).toMatchObject({ kind: 'certificate', problemOf: 'secure' });
  expect(answerOf(world, 'works')).toEqual({ kind: 'maintenance', text: 'under maintenance' });
});
