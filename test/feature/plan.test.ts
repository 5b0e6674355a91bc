// What the controller would do now, from its last observation.
import { describe, expect, it } from 'vitest';
import { scopePlan, toPlanView } from '../../src/controller/admin/plan.ts';
import { RetryableError } from '../../src/lib/retryable.ts';
import { untouched } from '../../src/model/access/administration.ts';
import { aNetwork, aService } from '../support/builders.ts';
import { ControllerWorld } from '../support/controller-world.ts';

async function aWorld(agents = true): Promise<ControllerWorld> {
  const world = new ControllerWorld({ agents });
  world.swarm.deploy(aService('shop'));
  await world.settle();
  return world;
}

const planOf = ({ preview, board }: ControllerWorld) => toPlanView(preview.planned, board.error);
const sentences = (world: ControllerWorld) => planOf(world).actions.map(({ sentence }) => sentence);
const failed = (pass: Promise<unknown>) => pass.catch(() => undefined);

describe('the plan', () => {
  it.each([true, false])('of an idle, healthy swarm is empty (agents: %s)', async (agents) => {
    const world = await aWorld(agents);

    expect(planOf(world)).toEqual({
      observedAt: expect.stringMatching(/^2026-01-01T/),
      ...{ error: null, actions: [], waiting: [], unobserved: [] },
    });
  });

  it('is empty before the first observation, and says so', () => {
    expect(planOf(new ControllerWorld())).toEqual({
      ...{ observedAt: null, error: null },
      ...{ actions: [], waiting: [], unobserved: [] },
    });
  });

  it('shows what a pass could not do', async () => {
    const world = await aWorld();
    world.swarm.addNetwork(aNetwork('far'));
    world.swarm.deploy(aService('blog', { networks: ['far'] }));
    world.swarm.failNext('updateService', new RetryableError('no quorum'));
    await failed(world.pass());

    expect(planOf(world).actions).toContainEqual({
      ...{ cluster: 'default', kind: 'update-service' },
      sentence: expect.stringMatching(/^Update the service signalbox-proxy for version [0-9a-f]{16}: /),
    });

    await world.settle();
    expect(sentences(world)).toEqual([]);
  });

  it('shows a configuration that has to be requested, without requesting it', async () => {
    const world = await aWorld();
    world.extension.away.add('signalbox-extension');
    world.swarm.deploy(aService('blog'));
    await failed(world.pass());

    expect(sentences(world)).toEqual(['Request a configuration from the extension signalbox-extension.']);
    expect(planOf(world).waiting).toEqual(['default']);
  });

  it('says which clusters wait for a roll-out', async () => {
    const world = await aWorld(false);
    world.swarm.deploy(aService('blog'));
    await world.passes(2);

    expect(planOf(world)).toMatchObject({ actions: [], waiting: ['default'] });
  });

  it('removes everything if routing is disabled', async () => {
    const world = await aWorld();
    world.administration = { ...untouched, enabled: false };
    world.swarm.failNext('removeService', new RetryableError('no quorum'));
    await failed(world.pass());

    expect(planOf(world).actions.slice(0, 2)).toEqual(
      ['signalbox-extension', 'signalbox-proxy'].map((name) => ({
        ...{ cluster: null, kind: 'remove-service' },
        sentence: `Remove the service ${name}: its cluster is disabled or removed.`,
      })),
    );
  });

  it('shows an API token of one cluster only that cluster', async () => {
    const east = { ServiceCluster: 'east', PublishedPort: 81, PublishedSSLPort: 444 };
    const world = new ControllerWorld({ settings: { Extensions: { default: {}, east } } });
    world.swarm.failNext('createService', new RetryableError('no quorum'));
    world.swarm.failNext('createService', new RetryableError('no quorum'));
    await failed(world.pass());

    expect(new Set(planOf(world).actions.map(({ cluster }) => cluster))).toEqual(new Set(['default', 'east']));
    const scoped = scopePlan(planOf(world), { cluster: 'east' });
    expect(new Set(scoped.actions.map(({ cluster }) => cluster))).toEqual(new Set(['east']));
    expect(scoped.waiting).toEqual(['east']);
  });

  it('writes nothing and changes nothing of the next pass', async () => {
    const [watched, alone] = [await aWorld(), await aWorld()];
    const writes: string[][] = [];
    for (const world of [watched, alone]) {
      world.swarm.deploy(aService('blog'));
      world.swarm.failNext('createConfig', new RetryableError('no quorum'));
      await failed(world.pass());
      if (world === watched) expect(await world.writesOf(async () => planOf(world))).toEqual([]);
      writes.push(await world.writesOf(() => world.settle()));
    }

    expect(writes[0]).toEqual(writes[1]);
  });
});
