// Replicas that Swarm has placed on one node are spread over the nodes again.
import { describe, expect, it } from 'vitest';
import { aNetwork, aNode, aService } from '../support/builders.ts';
import { ControllerWorld } from '../support/controller-world.ts';

const proxy = 'signalbox-proxy';
const HOUR_MS = 3_600_000;

async function aWorld(settings: Readonly<Record<string, unknown>> = {}): Promise<ControllerWorld> {
  const world = new ControllerWorld({ agents: true, settings: { Extensions: { default: settings } } });
  world.swarm.deploy(aService('shop'));
  await world.settle();
  return world;
}

const placesOf = ({ swarm }: ControllerWorld) =>
  swarm
    .service(proxy)
    .tasks.filter(({ desiredState }) => desiredState === 'running')
    .map(({ nodeId }) => nodeId)
    .toSorted();
const idsOf = ({ swarm }: ControllerWorld) => swarm.service(proxy).tasks.map(({ id }) => id);
const scalings = (writes: readonly string[]) => writes.filter((write) => write.startsWith('scaleService'));
const warnings = ({ problems }: ControllerWorld) => problems.filter(({ reason }) => reason.includes('unevenly'));

/** Runs passes while time advances. */
async function wait(world: ControllerWorld, seconds: number): Promise<void> {
  for (let passed = 0; passed < seconds; passed++) {
    world.swarm.clock.advance(1000);
    await world.pass();
  }
}

describe('replicas on one node', () => {
  it('are reported immediately, and spread by moving one of them', async () => {
    const world = await aWorld();
    world.swarm.crowd(proxy, 'worker1');
    const before = idsOf(world);

    expect(await world.pass()).toEqual({ rolling: true });
    expect(warnings(world)).toMatchObject([
      {
        severity: 'warning',
        cluster: 'default',
        reason: `Replicas of ${proxy} are unevenly spread: 2 on worker1, none on worker2. If worker1 fails, no proxy remains`,
      },
    ]);
    const writes = await world.writesOf(() => wait(world, 10));

    expect(writes).toEqual([`scaleService ${proxy}=3`, `scaleService ${proxy}=2`]);
    expect(placesOf(world)).toEqual(['worker1', 'worker2']);
    expect(before.filter((id) => idsOf(world).includes(id))).toHaveLength(1);
    expect(warnings(world)).toEqual([]);
    expect(await world.pass()).toEqual({ rolling: false });
  });

  it('stay for some seconds, since a node may be flapping', async () => {
    const world = await aWorld();
    world.swarm.crowd(proxy, 'worker1');

    expect(await world.writesOf(() => wait(world, 4))).toEqual([]);
    expect(await world.writesOf(() => wait(world, 2))).not.toEqual([]);
  });

  it('are moved one after the other', async () => {
    const world = await aWorld({ ProxyReplicas: 4 });
    for (const name of ['worker3', 'worker4']) world.swarm.addNode(aNode(name));
    world.swarm.crowd(proxy, 'worker1');

    const writes = await world.writesOf(() => wait(world, 60));

    expect(placesOf(world)).toEqual(['worker1', 'worker2', 'worker3', 'worker4']);
    expect(new Set(scalings(writes))).toEqual(new Set([`scaleService ${proxy}=5`, `scaleService ${proxy}=4`]));
    expect(scalings(writes)).toHaveLength(6);
  });

  it('are not moved before a roll-out is over', async () => {
    const world = await aWorld();
    world.swarm.crowd(proxy, 'worker1');
    world.swarm.addNetwork(aNetwork('far'));
    world.swarm.deploy(aService('blog', { networks: ['far'] }));

    const writes = await world.writesOf(() => wait(world, 30));

    expect(world.swarm.service(proxy).isRolling).toBe(true);
    expect(scalings(writes)).toEqual([]);
    world.swarm.service(proxy).finish();
    world.swarm.crowd(proxy, 'worker2');
    await wait(world, 10);
    expect(placesOf(world)).toEqual(['worker1', 'worker2']);
  });

  it('are spread also if the extension rejects the settings', async () => {
    const world = await aWorld();
    world.swarm.crowd(proxy, 'worker1');
    world.extension.complaint = () => 'unknown directive';

    await wait(world, 10);

    expect(world.problems).toMatchObject([{ reason: expect.stringContaining('unknown directive') }]);
    expect(placesOf(world)).toEqual(['worker1', 'worker2']);
  });

  it('are spread by the next controller if one ends halfway', async () => {
    const world = await aWorld();
    world.swarm.crowd(proxy, 'worker1');
    await world.writesOf(async () => {
      while (placesOf(world).length < 3) await wait(world, 1);
    });

    const next = world.restart();
    await next.pass();

    expect(placesOf(next)).toEqual(['worker1', 'worker2']);
    expect(await next.writesOf(() => wait(next, 60))).toEqual([]);
  });

  it('are moved once if there are several controllers', async () => {
    const world = await aWorld();
    const other = world.restart();
    world.swarm.crowd(proxy, 'worker1');

    const writes = await world.writesOf(async () => {
      for (let passed = 0; passed < 20; passed++) {
        world.swarm.clock.advance(1000);
        await Promise.allSettled([world.pass(), other.pass()]);
      }
    });

    expect(scalings(writes)).toEqual([`scaleService ${proxy}=3`, `scaleService ${proxy}=2`]);
  });
});

describe('a node', () => {
  it('that is lost and comes back gets a replica again', async () => {
    const world = await aWorld();
    world.swarm.addNode(aNode('worker2', { ready: false }));
    await wait(world, 20);
    expect(placesOf(world)).toEqual(['worker1', 'worker1']);
    expect(warnings(world)).toEqual([]);

    world.swarm.addNode(aNode('worker2'));
    await wait(world, 10);

    expect(placesOf(world)).toEqual(['worker1', 'worker2']);
  });

  it('that is drained and reactivated gets a replica again', async () => {
    const world = await aWorld();
    world.swarm.addNode(aNode('worker1', { active: false }));
    await wait(world, 20);
    expect(placesOf(world)).toEqual(['worker2', 'worker2']);

    world.swarm.addNode(aNode('worker1'));
    await wait(world, 10);

    expect(placesOf(world)).toEqual(['worker1', 'worker2']);
  });

  it('that flaps is left alone for increasing times', async () => {
    const world = await aWorld();
    const moves: number[] = [];
    for (let times = 0; times < 6; times++) {
      world.swarm.addNode(aNode('worker2', { ready: false }));
      await wait(world, 5);
      world.swarm.addNode(aNode('worker2'));
      moves.push(scalings(await world.writesOf(() => wait(world, 15))).length);
    }

    expect(moves).toEqual([2, 2, 0, 0, 0, 0]);
    world.swarm.clock.advance(HOUR_MS);
    await wait(world, 2);
    expect(placesOf(world)).toEqual(['worker1', 'worker2']);
  });

  it('that constraints exclude does not count', async () => {
    const world = await aWorld({ ProxyConstraints: ['node.labels.edge==yes'] });
    world.swarm.addNode(aNode('worker1', { labels: { edge: 'yes' } }));
    world.swarm.crowd(proxy, 'worker1');

    expect(await world.writesOf(() => wait(world, 30))).toEqual([]);
    expect(warnings(world)).toEqual([]);

    world.swarm.addNode(aNode('manager', { role: 'manager', labels: { edge: 'yes' } }));
    await wait(world, 10);
    expect(placesOf(world)).toEqual(['manager', 'worker1']);
  });
});

describe('proxies on workers that become managers', () => {
  async function promote(world: ControllerWorld): Promise<string[]> {
    return world.writesOf(async () => {
      for (const name of ['worker1', 'worker2'])
        world.swarm.addNode(aNode(name, { role: 'manager', labels: { edge: 'yes' } }));
      await wait(world, 30);
    });
  }

  it('stay if constraints use node labels', async () => {
    const edge = ['node.labels.edge==yes'];
    const world = await aWorld({ Constraints: edge, ProxyConstraints: edge });
    for (const name of ['worker1', 'worker2']) world.swarm.addNode(aNode(name, { labels: { edge: 'yes' } }));
    await wait(world, 30);
    expect(placesOf(world)).toEqual(['worker1', 'worker2']);

    expect(await promote(world)).toEqual([]);
  });

  it('are allowed on every node if constraints are not set', async () => {
    const world = await aWorld();

    expect(await promote(world)).toEqual(['updateService signalbox-extension', `updateService ${proxy}`]);
    expect(world.swarm.service(proxy).observe().placement.constraints).toEqual(['node.platform.os==linux']);
  });
});

describe('a move', () => {
  it('that does not help is tried five times, until nodes change', async () => {
    const world = await aWorld();
    world.swarm.crowd(proxy, 'worker1');
    world.swarm.closeNode('worker2');

    const writes = await world.writesOf(() => wait(world, 200));

    expect(scalings(writes)).toHaveLength(10);
    expect(placesOf(world)).toEqual(['worker1', 'worker1']);
    expect(warnings(world)).toMatchObject([{ remedy: expect.stringContaining('5 times') }]);
    expect(await world.pass()).toEqual({ rolling: false });
    // Neither time nor another controller starts it again.
    world.swarm.clock.advance(HOUR_MS);
    const next = world.restart();
    expect(await next.writesOf(() => wait(next, 60))).toEqual([]);

    world.swarm.addNode(aNode('worker3'));
    await wait(next, 10);
    expect(placesOf(next)).toEqual(['worker1', 'worker3']);
  });

  it('whose replica cannot be placed is reverted', async () => {
    const world = await aWorld();
    world.swarm.crowd(proxy, 'worker1');
    for (const node of ['worker1', 'worker2']) world.swarm.closeNode(node);
    await wait(world, 20);
    expect(placesOf(world)).toEqual(['worker1', 'worker1', undefined]);

    await wait(world, 50);

    expect(placesOf(world)).toEqual(['worker1', 'worker1']);
  });

  it('whose replica does not start removes no serving replica', async () => {
    const world = await aWorld();
    world.swarm.crowd(proxy, 'worker1');
    world.swarm.service(proxy).startAs('starting', 'port is taken');
    await wait(world, 100);

    expect(placesOf(world)).toEqual(['worker1', 'worker1', 'worker2']);
    expect(world.problems).toMatchObject([
      { severity: 'warning', reason: expect.stringContaining('unevenly spread') },
      { severity: 'warning', reason: expect.stringContaining('not running on node worker2: port is taken') },
    ]);
    expect(await world.pass()).toEqual({ rolling: false });

    world.swarm.service(proxy).startAs('running');
    await wait(world, 2);
    expect(placesOf(world)).toEqual(['worker1', 'worker2']);
  });

  it('keeps the number of replicas that is set by hand meanwhile', async () => {
    const world = await aWorld();
    world.swarm.crowd(proxy, 'worker1');
    while (placesOf(world).length < 3) await wait(world, 1);

    world.swarm.amend(proxy, (spec) => {
      spec.Mode.Replicated.Replicas = 6;
    });
    await wait(world, 30);

    expect(placesOf(world)).toHaveLength(6);
    expect(world.swarm.service(proxy).observe().replicas).toBe(6);
  });
});

describe('nothing is moved', () => {
  it('if ports are published on the nodes', async () => {
    const world = await aWorld({ PublishMode: 'host' });
    world.swarm.crowd(proxy, 'worker1');

    expect(await world.writesOf(() => wait(world, 30))).toEqual([]);
    expect(warnings(world)).toEqual([]);
  });

  it('if every node has a replica', async () => {
    const world = await aWorld({ ProxyReplicas: 'global' });
    world.swarm.crowd(proxy, 'worker1');

    expect(scalings(await world.writesOf(() => wait(world, 30)))).toEqual([]);
  });

  it('if there is one replica', async () => {
    const world = await aWorld({ ProxyReplicas: 1 });

    expect(await world.writesOf(() => wait(world, 30))).toEqual([]);
  });
});
