import { setTimeout as sleep } from 'node:timers/promises';
import type { NodeName } from '../bed/bed-shape.ts';
import type { Prepared } from '../bed/prepare.ts';
import { step } from '../bed/step.ts';
import { keptFiles } from './kept-files.ts';
import { LargeSwarm } from './large-swarm.ts';
import { type NginxAlone, nginxAlone } from './nginx-alone.ts';
import { median, percentile, sizes, table } from './part.ts';

const SIZES = sizes([1, 100, 1000, 5000, 10_000]);
const CHANGES = 50;
/** After the swarm has grown, when old configurations still have to be removed. */
const REST_MS = 10_000;
/** Pause between changes, so that each one starts its own burst. */
const PAUSE_MS = 1500;
const PROBE_MS = 10;
const LIMIT_MS = 120_000;
/** Ports are published in host mode, so that each replica can be reached. */
const NODES: readonly NodeName[] = ['worker1', 'worker2'];

export interface PropagationRow extends NginxAlone {
  readonly services: number;
  /** From the request that changes the label to the first correct answer of the last replica. */
  readonly everyReplicaMs: readonly number[];
  /** The same for the first replica. */
  readonly firstReplicaMs: readonly number[];
}

/**
 * How long a changed label takes to be live on every replica, compared with nginx -t and a reload of the same
 * configuration alone.
 */
export async function propagation(prepared: Prepared): Promise<PropagationRow[]> {
  await using swarm = await step('swarm', async ({ done }) => {
    const opened = await LargeSwarm.open(prepared, 'host');
    await opened.createProbe('probe', 'first.probe.local');
    done('three nodes');
    return opened;
  });
  const rows: PropagationRow[] = [];
  for (const size of SIZES) {
    await step(`${size}`, async ({ note, done }) => {
      note('creating services');
      // One of them is the probe.
      await swarm.grow(size - 1);
      await sleep(REST_MS);
      const row = await swarm.whileMeshRests(() => measure(prepared, swarm, size, note));
      rows.push(row);
      done(`services: p50 ${percentile(row.everyReplicaMs, 50).toFixed(0)} ms`);
    });
  }
  console.log(describe(rows));
  return rows;
}

async function measure(
  prepared: Prepared,
  swarm: LargeSwarm,
  services: number,
  note: (text: string) => void,
): Promise<PropagationRow> {
  const answers = [];
  for (let n = 1; n <= CHANGES; n++) {
    note(`change ${n} of ${CHANGES}`);
    answers.push(await changeOnce(swarm, `change${n}.of${services}.probe.local`));
    await sleep(PAUSE_MS);
  }
  note('nginx alone');
  const alone = await nginxAlone(prepared, await keptFiles(swarm.bed));
  return {
    services,
    everyReplicaMs: answers.map((times) => Math.max(...times)),
    firstReplicaMs: answers.map((times) => Math.min(...times)),
    ...alone,
  };
}

/** Milliseconds until each replica answers for the new host. */
async function changeOnce(swarm: LargeSwarm, host: string): Promise<number[]> {
  const begun = performance.now();
  const answered = NODES.map(async (node) => {
    while (performance.now() - begun < LIMIT_MS) {
      const answer = await swarm.bed.request({ host, path: '/ping', node, timeoutMs: 5000 }).catch(() => undefined);
      if (answer?.status === 200) return performance.now() - begun;
      await sleep(PROBE_MS);
    }
    throw new Error(`${node} does not answer for ${host}`);
  });
  const [, ...times] = await Promise.all([swarm.changeHost('probe', host), ...answered]);
  return times;
}

function describe(rows: readonly PropagationRow[]): string {
  const whole = (value: number) => value.toFixed(0);
  const head = [
    'services',
    'p50 ÷ nginx',
    'p99 ÷ nginx',
    'p50 ms',
    'p99 ms',
    'first replica p50',
    'nginx -t ms',
    'reload ms',
  ];
  const lines = rows.map(({ services, everyReplicaMs, firstReplicaMs, testMs, reloadMs }) => {
    const alone = median(testMs) + median(reloadMs);
    const [p50, p99] = [percentile(everyReplicaMs, 50), percentile(everyReplicaMs, 99)];
    return [
      String(services),
      (p50 / alone).toFixed(2),
      (p99 / alone).toFixed(2),
      whole(p50),
      whole(p99),
      whole(percentile(firstReplicaMs, 50)),
      whole(median(testMs)),
      whole(median(reloadMs)),
    ];
  });
  return table([head, ...lines]);
}
