// Any events in any order: afterwards the proxies serve what the labels ask for, and nothing more is written.

import fc from 'fast-check';
import { expect, it } from 'vitest';
import { RetryableError } from '../../src/lib/retryable.ts';
import { buildDesiredState } from '../../src/model/desired-state.ts';
import { toRenderInput } from '../../src/model/render-input.ts';
import { aNetwork, aNode, aService } from '../support/builders.ts';
import { ControllerWorld } from '../support/controller-world.ts';
import type { Operation } from '../support/fake-swarm.ts';

const proxy = 'signalbox-proxy';
const HOUR_MS = 3_600_000;
const operations: readonly Operation[] = [
  'observe',
  'tasks',
  'taskLog',
  'createConfig',
  'createSecret',
  'removeConfig',
  'createService',
  'updateService',
  'labelService',
  'scaleService',
];

/** Two controllers on one swarm. Either may restart at any time. */
class TwoControllers {
  readonly controllers: ControllerWorld[];

  constructor() {
    const first = new ControllerWorld();
    for (const name of ['red', 'blue']) first.swarm.addNetwork(aNetwork(name));
    this.controllers = [first, first.restart()];
  }

  get swarm() {
    return this.controllers[0]!.swarm;
  }

  get rolling() {
    return this.swarm.services.filter(({ isRolling }) => isRolling);
  }
}

type Step = (world: TwoControllers) => void | Promise<void>;

const name = fc.constantFrom('shop', 'blog', 'news');
const controller = fc.nat({ max: 1 });
/** The loop retries a failed pass. */
async function attempt(world: ControllerWorld): Promise<void> {
  await world.pass().catch(() => {});
}

const step: fc.Arbitrary<[string, Step]> = fc.oneof(
  fc
    .tuple(name, fc.nat({ max: 2 }), fc.constantFrom('app', 'red', 'blue'))
    .map(([service, host, network]): [string, Step] => [
      `deploy ${service} on ${network} as ${host}`,
      ({ swarm }) => swarm.deploy(aService(service, { host: `${service}-${host}.example.org`, networks: [network] })),
    ]),
  name.map((service): [string, Step] => [`remove ${service}`, ({ swarm }) => swarm.remove(service)]),
  fc
    .nat({ max: 500 })
    .map((seconds): [string, Step] => [`wait ${seconds} s`, ({ swarm }) => swarm.clock.advance(seconds * 1000)]),
  fc.constantFrom<[string, Step]>(
    [
      'finish',
      ({ rolling }) => {
        for (const service of rolling) service.finish();
      },
    ],
    [
      'fail',
      ({ rolling, swarm }) => {
        for (const service of rolling.filter((candidate) => candidate.observe().rollout.kind === 'updating'))
          swarm.rollBack(service.name, 'no room');
      },
    ],
    [
      'workers leave',
      ({ swarm }) => {
        for (const id of ['worker1', 'worker2']) swarm.removeNode(id);
      },
    ],
    ['a worker comes', ({ swarm }) => swarm.addNode(aNode('worker1'))],
    [
      'all proxies end up on a worker',
      ({ swarm }) => {
        if (swarm.services.some(({ name }) => name === proxy)) swarm.crowd(proxy, 'worker2');
      },
    ],
  ),
  fc
    .constantFrom(...operations)
    .chain((operation) =>
      fc
        .boolean()
        .map((afterwards): [string, Step] => [
          `${operation} fails${afterwards ? ' afterwards' : ''}`,
          ({ swarm }) => swarm.failNext(operation, new RetryableError('away'), { afterwards }),
        ]),
    ),
  controller.map((which): [string, Step] => [`pass of ${which}`, ({ controllers }) => attempt(controllers[which]!)]),
  fc.constant<[string, Step]>([
    'passes at once',
    async ({ controllers }) => {
      await Promise.all(controllers.map(attempt));
    },
  ]),
  controller.map((which): [string, Step] => [
    `restart of ${which}`,
    ({ controllers }) => {
      controllers[which] = controllers[which]!.restart();
    },
  ]),
);

it('settles on what the services ask for, after any events in any order', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
      const world = new TwoControllers();
      for (const [, take] of steps) await take(world);

      const { swarm, controllers } = world;
      swarm.clearFaults();
      for (const each of controllers) await each.settle();
      // A rejected version is retried after half an hour at most.
      swarm.clock.advance(HOUR_MS);
      for (const each of controllers) await each.settle();
      const writes = await controllers[0]!.writesOf(async () => {
        for (const each of controllers) await each.passes(3);
      });

      expect(writes).toEqual([]);
      const [first] = controllers;
      const desired = buildDesiredState(await swarm.observe(), first!.settings).clusters[0]!;
      const { files } = await first!.extension.render('', toRenderInput(desired));
      expect(first!.served()).toBe(files[0]!.text);
      expect(swarm.service(proxy).observe().networkIds).toEqual(desired.networkIds);
      expect(swarm.configs.length).toBeLessThanOrEqual(12);
      expect(swarm.secrets).toHaveLength(1);
      for (const { problems } of controllers)
        expect(problems.filter(({ severity }) => severity !== 'notice')).toEqual([]);
    }),
    { numRuns: 60 },
  );
});
