import { setTimeout as sleep } from 'node:timers/promises';
import type { NodeName } from '../bed/bed-node.ts';
import type { Prepared } from '../bed/prepare.ts';
import { run } from '../bed/shell.ts';
import { step } from '../bed/step.ts';
import { keptFiles } from './kept-files.ts';
import { LargeSwarm } from './large-swarm.ts';
import { median, percentile, sizes, table } from './part.ts';

const SIZES = sizes([1, 100, 1000, 5000, 10_000]);
const CHANGES = 50;
/** After the swarm has grown, whose old configurations are still to be removed. */
const REST_MS = 10_000;
/** Between changes, so that each is the first of its burst. */
const PAUSE_MS = 1500;
const PROBE_MS = 10;
const LIMIT_MS = 120_000;
const REPEATS = 15;
/** Ports are published on the nodes, so that each replica can be asked. */
const NODES: readonly NodeName[] = ['worker1', 'worker2'];

export interface PropagationRow {
  readonly services: number;
  /** From the request that changes the label to the first right answer of the last replica. */
  readonly everyReplicaMs: readonly number[];
  /** The same of the first replica. */
  readonly firstReplicaMs: readonly number[];
  /** What nginx takes for this configuration by itself: its test, and a reload until it serves. */
  readonly testMs: readonly number[];
  readonly reloadMs: readonly number[];
}

/** How long a changed label takes to be live on every replica, beside what nginx -t and a reload of that configuration take alone. */
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
      // The probe is one of them.
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
  const alone = await measureNginx(prepared, await keptFiles(swarm.bed));
  return {
    services,
    everyReplicaMs: answers.map((times) => Math.max(...times)),
    firstReplicaMs: answers.map((times) => Math.min(...times)),
    ...alone,
  };
}

/** Milliseconds until each replica answers under the new host. */
async function changeOnce(swarm: LargeSwarm, host: string): Promise<number[]> {
  const begun = performance.now();
  const answered = NODES.map(async (node) => {
    while (performance.now() - begun < LIMIT_MS) {
      const answer = await swarm.bed.request({ host, path: '/ping', node, timeoutMs: 5000 }).catch(() => undefined);
      if (answer?.status === 200) return performance.now() - begun;
      await sleep(PROBE_MS);
    }
    throw new Error(`${node} does not answer under ${host}`);
  });
  const [, ...times] = await Promise.all([swarm.changeHost('probe', host), ...answered]);
  return times;
}

async function measureNginx({ engine, images }: Prepared, files: readonly { path: string; text: string }[]) {
  const image = images.product.find((tag) => tag.startsWith('signalbox/proxy:'))!;
  const name = 'signalbox-bench-nginx';
  const inside = (script: string, input = '') =>
    run(engine.cli, ['exec', '--interactive', name, 'sh', '-c', script], { input });
  await run(engine.cli, ['rm', '--force', name]).catch(() => {});
  await run(engine.cli, [
    'run',
    '--detach',
    '--name',
    name,
    '--tmpfs',
    '/tmp:mode=1777',
    '--entrypoint',
    'sleep',
    image,
    '3600',
  ]);
  try {
    await inside('mkdir -p /tmp/a');
    for (const { path, text } of files) await inside(`cat >/tmp/a/${path}`, text);
    const output = await inside(SCRIPT);
    const times = (label: string) =>
      [...output.matchAll(new RegExp(`^${label} (\\d+)$`, 'gm'))].map(([, text]) => Number(text) / 1_000_000);
    return { testMs: times('test'), reloadMs: times('reload') };
  } finally {
    await run(engine.cli, ['rm', '--force', name]);
  }
}

/** A reload is over when a new worker tells the version of the new file. */
const SCRIPT = `cd /tmp/a; main=/tmp/a/nginx.conf
nginx -c $main >/dev/null 2>&1 || exit 1
for n in $(seq ${REPEATS}); do
  begun=$(date +%s%N); nginx -t -q -c $main 2>/dev/null; echo "test $(($(date +%s%N) - begun))"
  sed -i -E "s/return 200 \\"[0-9a-z]+/return 200 \\"run$n/" $main
  begun=$(date +%s%N); kill -HUP $(cat /tmp/nginx.pid)
  until [ "$(curl -s http://127.0.0.1:10246/version)" = "run$n" ]; do sleep 0.01; done
  echo "reload $(($(date +%s%N) - begun))"
done`;

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
