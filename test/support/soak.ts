// A soak test: random faults and changes under traffic. The same seed produces the same steps.
import fc from 'fast-check';
import { expect } from 'vitest';
import type { NodeName } from '../../bed/bed-shape.ts';
import { changeLabels } from '../../bed/services.ts';
import { placesOf, signalContainer } from './containers.ts';
import { bed, curl, eventually, problemsOf, settled } from './interlock.ts';
import { Load, type LoadReport } from './load.ts';
import { answers, answersOnEveryNode, deployStack, forceUpdate, instancesOf, Stack } from './story.ts';

const host = 'soak.local';
const nodes: readonly NodeName[] = ['worker1', 'worker2'];
const parts = ['signalbox_controller', 'signalbox-extension', 'signalbox-proxy'] as const;

interface StepKind {
  readonly name: string;
  /** Requests in flight are lost: the servers end without notice. */
  readonly losesRequests?: true;
  /** Relative frequency compared with the other steps. */
  readonly weight: number;
  run(world: SoakWorld, random: number): Promise<void>;
}

interface SoakWorld {
  readonly app: Stack;
  /** Temporary stacks, by host. */
  readonly others: Map<string, Stack>;
  /** Of the step. No two steps have the same. */
  readonly number: number;
}

const kinds: readonly StepKind[] = [
  {
    name: 'a service is added',
    weight: 3,
    async run({ others, number }) {
      const added = `soak-${number}.local`;
      const stack = new Stack(`soak-${number}`);
      others.set(added, stack);
      await stack.deploy({ app: { host: added } });
      await answersOnEveryNode(added);
    },
  },
  {
    name: 'a service is removed',
    weight: 2,
    async run({ others }, random) {
      const gone = [...others.keys()][random % (others.size || 1)];
      if (gone === undefined) return;
      await others.get(gone)![Symbol.asyncDispose]();
      others.delete(gone);
      await eventually(async () => expect((await curl(gone, '/ping')).status).toBe(503));
    },
  },
  {
    name: 'a label is changed',
    weight: 4,
    async run({ app, number }) {
      const alias = `soak-alias-${number}.local`;
      await changeLabels(bed.manager.docker, app.service(), { 'com.docker.lb.hosts': `${host},${alias}` });
      await answersOnEveryNode(alias);
    },
  },
  {
    name: 'a service with a mistake is added and removed',
    weight: 1,
    async run({ number }) {
      await using stack = new Stack(`soak-mistake-${number}`);
      await stack.deploy({ app: { host, labels: { 'com.docker.lb.port': 'none' } } });
      await eventually(async () => expect(await problemsOf(stack.service())).not.toEqual([]));
    },
  },
  {
    name: 'the application is scaled',
    weight: 3,
    async run({ app }, random) {
      const replicas = 2 + (random % 4);
      await app.scale(replicas);
      await bed.settle(app.service(), replicas);
      await eventually(async () => expect((await instancesOf(host, 40)).size).toBe(replicas));
    },
  },
  {
    name: 'the application is updated',
    weight: 2,
    async run({ app, number }, random) {
      const order = random % 2 === 0 ? 'start-first' : 'stop-first';
      const args = ['--quiet', '--no-resolve-image', '--update-order', order, '--env-add', `VERSION=${number}`];
      await bed.docker('service', 'update', ...args, app.service());
    },
  },
  {
    name: 'the proxies are replaced one by one',
    weight: 1,
    run: () => forceUpdate('signalbox-proxy'),
  },
  {
    name: 'the extension is replaced',
    weight: 1,
    run: () => forceUpdate('signalbox-extension'),
  },
  {
    name: 'the controller is killed',
    weight: 2,
    run: (_world, random) => killOneOf('signalbox_controller', random),
  },
  {
    name: 'the extension is killed',
    weight: 2,
    run: (_world, random) => killOneOf('signalbox-extension', random),
  },
  {
    name: 'a proxy is killed',
    losesRequests: true,
    weight: 1,
    run: (_world, random) => killOneOf('signalbox-proxy', random),
  },
  {
    name: 'a task of the application is killed',
    losesRequests: true,
    weight: 1,
    run: ({ app }, random) => killOneOf(app.service(), random),
  },
  {
    name: 'a worker is lost and comes back',
    losesRequests: true,
    weight: 1,
    async run(_world, random) {
      const node = bed.node(nodes[random % nodes.length]!);
      const id = await node.swarmId();
      await node.kill();
      await eventually(async () => expect(await statusOf(id!)).toBe('down'));
      await node.start();
      await eventually(async () => expect(await statusOf(id!)).toBe('ready'));
      await answers(host, node.name);
    },
  },
];

async function killOneOf(service: string, random: number): Promise<void> {
  const places = (await placesOf(service)).toSorted((a, b) => (a.node.name < b.node.name ? -1 : 1));
  const place = places[random % places.length];
  if (place === undefined) throw new Error(`${service} has no running task.`);
  await signalContainer(place, 'KILL');
}

async function statusOf(nodeId: string): Promise<string> {
  const node = (await bed.manager.docker.getNode(nodeId).inspect()) as { Status: { State: string } };
  return node.Status.State;
}

/** The steps of a seed, as many as requested. */
function* stepsOf(seed: number): Generator<{ readonly kind: StepKind; readonly random: number }> {
  const step = fc.record({
    kind: fc.oneof(...kinds.map((kind) => ({ weight: kind.weight, arbitrary: fc.constant(kind) }))),
    random: fc.nat(),
  });
  for (let batch = 0; ; batch++) yield* fc.sample(step, { seed: seed + batch, numRuns: 100 });
}

export interface SoakReport {
  readonly steps: number;
  readonly total: number;
  /** Failures by kind, in steps that end servers without notice. */
  readonly announced: Readonly<Record<string, number>>;
  /** Megabytes of the largest task of each part: after a third of the time (at the start, if one step took the rest) and at the end. */
  readonly memory: Readonly<Record<string, readonly [early: number, late: number]>>;
}

/**
 * Runs steps until the time is over. Fails at the first step that loses a request although no server ended without
 * notice.
 */
export async function soak(seed: number, minutes: number): Promise<SoakReport> {
  console.log(`Soak test: seed ${seed}, ${minutes} minutes`);
  await using app = await deployStack('soak', { app: { host, replicas: 3 } });
  const others = new Map<string, Stack>();
  const announced: Record<string, number> = {};
  let steps = 0;
  let isWarm = false;
  try {
    await answersOnEveryNode(host);
    await settled();
    await using load = new Load({ host, nodes });
    let early = await memoryOfParts();
    const begunAt = performance.now();
    const share = () => (performance.now() - begunAt) / (minutes * 60_000);
    for (const { kind, random } of stepsOf(seed)) {
      if (share() >= 1) break;
      if (!isWarm && share() >= 1 / 3) {
        early = await memoryOfParts();
        isWarm = true;
      }
      steps += 1;
      const before = load.report;
      await kind.run({ app, others, number: steps }, random);
      await settled();
      await answersOnEveryNode(host);
      // Clients may still wait for a server that ended without notice.
      if (kind.losesRequests) await load.recovered();
      const lost = difference(before, load.report);
      console.log(`Step ${steps} after ${Math.round(share() * minutes * 60)} s: ${kind.name} ${JSON.stringify(lost)}`);
      if (!kind.losesRequests) expect(lost, `step ${steps}, seed ${seed}: ${kind.name}`).toEqual({});
      for (const [failure, count] of Object.entries(lost)) announced[failure] = (announced[failure] ?? 0) + count;
    }
    const { total } = await load.stop();
    const late = await memoryOfParts();
    const memory = Object.fromEntries(parts.map((part) => [part, [early.get(part)!, late.get(part)!] as const]));
    return { steps, total, announced, memory };
  } finally {
    for (const stack of others.values()) await stack[Symbol.asyncDispose]();
  }
}

function difference(before: LoadReport, after: LoadReport): Record<string, number> {
  const entries = Object.entries(after.failures).map(
    ([kind, count]) => [kind, count - (before.failures[kind] ?? 0)] as const,
  );
  return Object.fromEntries(entries.filter(([, count]) => count > 0));
}

/** Megabytes in use without the file cache, of the largest task of each part. */
async function memoryOfParts(): Promise<Map<string, number>> {
  const sizes = new Map<string, number>();
  for (const part of parts) {
    const places = await placesOf(part);
    const used = await Promise.all(
      places.map(async ({ node, id }) => {
        const { memory_stats } = await node.docker.getContainer(id).stats({ stream: false });
        // One that has just ended has none.
        return memory_stats.stats === undefined ? 0 : memory_stats.usage - (memory_stats.stats.inactive_file ?? 0);
      }),
    );
    sizes.set(part, Math.round(Math.max(...used) / 1e6));
  }
  return sizes;
}
