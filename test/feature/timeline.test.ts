// How long changes took to go live, as the state reports it.
import { expect, it } from 'vitest';
import { aService } from '../support/builders.ts';
import { ControllerWorld } from '../support/controller-world.ts';

it('measures a change from its first event until every replica serves it', async () => {
  const world = new ControllerWorld({ agents: true });
  await world.settle();
  world.swarm.deploy(aService('shop'));
  await world.settle();

  const [newest, older, ...rest] = world.status.outcomes[0]!.changes;

  expect(rest).toEqual([]);
  expect(newest).toMatchObject({ version: world.status.outcomes[0]!.version, servedAt: expect.any(Number) });
  expect(newest!.seenAt).toBeLessThan(newest!.renderedAt);
  expect(newest!.renderedAt).toBeLessThan(newest!.servedAt!);
  expect(Object.keys(newest!.replicas)).toHaveLength(2);
  expect(older!.servedAt).toBeLessThan(newest!.seenAt);
});

it('reports no end while a version is rejected', async () => {
  const world = new ControllerWorld({ agents: true });
  await world.settle();
  world.extension.refusal = () => 'no';

  world.swarm.deploy(
    aService('shop', {
      networks: [] as string[],
      ports: [{ target: 80, published: 9000, mode: 'host', protocol: 'tcp' }],
    }),
  );
  await world.passes(5);

  expect(world.status.outcomes[0]!.changes[0]).toMatchObject({ servedAt: undefined, replicas: {} });
});
