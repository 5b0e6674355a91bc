import { setTimeout as sleep } from 'node:timers/promises';
import { WebSocket } from 'ws';
import type { NodeName } from '../bed/bed-shape.ts';
import { ownerFlags } from '../bed/owner.ts';
import type { Prepared } from '../bed/prepare.ts';
import { run } from '../bed/shell.ts';
import { step } from '../bed/step.ts';
import { LargeSwarm } from './large-swarm.ts';
import { table } from './part.ts';
import { ensureRivals } from './throughput.ts';

const HOST = 'steady.bench.local';
const CHANGES = 100;
const SOCKETS = 500;
const CONNECTIONS = 12;
const NODES: readonly NodeName[] = ['worker1', 'worker2'];

export interface NoLossRow {
  readonly what: string;
  readonly requests: number;
  /** Failed requests by kind, as wrk counts them. */
  readonly failed: Readonly<Record<string, number>>;
  /** WebSockets that were open before and are now closed. */
  readonly closedSockets: number;
  readonly seconds: number;
  /** Memory of nginx in all proxies, in KiB: before and after. Shared pages count proportionally. */
  readonly nginxKib: readonly [number, number];
}

/**
 * Requests that fail during changes: alternating GET and POST on keep-alive connections, as many as the proxies handle,
 * through both workers, with 500 open WebSockets. Only in-place changes must keep the WebSockets open: the other
 * changes replace the tasks that hold them.
 */
export async function noLoss(prepared: Prepared): Promise<NoLossRow[]> {
  const rivals = await step('wrk', ({ done }) => ensureRivals(prepared, done));
  await using swarm = await step('swarm', async ({ done }) => {
    const opened = await LargeSwarm.open(prepared, 'ingress');
    await opened.createProbe('steady', HOST);
    await opened.createProbe('changing', 'changing.bench.local');
    await opened.bed.docker('service', 'scale', '--detach', 'steady=3');
    await opened.bed.settle('steady', 3);
    done('three nodes');
    return opened;
  });
  const { bed } = swarm;
  const update = (...flags: string[]) => bed.docker('service', 'update', '--quiet', '--no-resolve-image', ...flags);
  const scenes: Readonly<Record<string, () => Promise<unknown>>> = {
    nothing: () => sleep(3000),
    [`${CHANGES} changes of routes`]: async () => {
      for (let n = 0; n < CHANGES; n++) {
        await swarm.changeHost('changing', `changing${n}.bench.local`);
        await sleep(1000);
      }
      await swarm.settled();
    },
    'rolling update of the application, stop-first': () => update('--update-order', 'stop-first', '--force', 'steady'),
    'rolling update of the application, start-first': () =>
      update('--update-order', 'start-first', '--force', 'steady'),
    'scaling 3 → 6 → 2 → 3': async () => {
      for (const replicas of [6, 2, 3]) await bed.docker('service', 'scale', `steady=${replicas}`);
    },
    'rolling update of the proxies': async () => {
      await update('--force', 'signalbox-proxy');
      await swarm.settled();
    },
  };
  const rows: NoLossRow[] = [];
  for (const [what, change] of Object.entries(scenes)) {
    await step(`${rows.length + 1}`, async ({ done }) => {
      rows.push(await measure(prepared, rivals, swarm, what, change));
      done(what);
    });
  }
  console.log(describe(rows));
  return rows;
}

async function measure(
  prepared: Prepared,
  image: string,
  swarm: LargeSwarm,
  what: string,
  change: () => Promise<unknown>,
): Promise<NoLossRow> {
  const sockets = await openSockets(swarm);
  const before = await nginxKib(swarm);
  const load = NODES.map((node) => startLoad(prepared, image, swarm, node));
  const begun = performance.now();
  // Load before and after the change as well.
  await sleep(3000);
  await change();
  await sleep(3000);
  const seconds = (performance.now() - begun) / 1000;
  const results = await Promise.all(load.map((running) => running.stop()));
  const after = await nginxKib(swarm);
  const closedSockets = sockets.filter(({ readyState }) => readyState !== WebSocket.OPEN).length;
  for (const socket of sockets) socket.terminate();
  const failed: Record<string, number> = {};
  for (const { errors } of results)
    for (const [kind, count] of Object.entries(errors)) if (count > 0) failed[kind] = (failed[kind] ?? 0) + count;
  const requests = results.reduce((sum, result) => sum + result.requests, 0);
  return { what, requests, failed, closedSockets, seconds, nginxKib: [before, after] };
}

interface LoadResult {
  readonly requests: number;
  readonly errors: Readonly<Record<'connect' | 'read' | 'write' | 'status' | 'timeout', number>>;
}

/** Runs wrk in a container beside the nodes, until it is stopped. */
function startLoad({ engine }: Prepared, image: string, { bed }: LargeSwarm, node: NodeName) {
  const name = `signalbox-bench-load-${node}`;
  const url = `http://${bed.node(node).ip}:8080/`;
  // wrk reads its script twice, once for itself and once for its thread.
  const wrk = `wrk -t1 -c${CONNECTIONS} -d3600 --timeout 15s -s /tmp/load.lua ${url}`;
  const command = ['sh', '-c', `cat >/tmp/load.lua && exec ${wrk}`];
  const flags = [
    ...ownerFlags(),
    '--rm',
    '--interactive',
    '--init',
    '--name',
    name,
    '--network',
    `signalbox-${bed.name}`,
  ];
  const running = run(engine.cli, ['run', ...flags, image, ...command], { input: SCRIPT });
  return {
    async stop(): Promise<LoadResult> {
      // On the first interrupt wrk ends as if its time were over.
      await run(engine.cli, ['kill', '--signal', 'INT', name]);
      const output = await running;
      const figures = /^RESULT (.*)$/m.exec(output)?.[1];
      if (figures === undefined) throw new Error(`wrk printed: ${output}`);
      return JSON.parse(figures) as LoadResult;
    },
  };
}

const SCRIPT = `
local count = 0
local body = string.rep("payload ", 128)
local headers = { ["Host"] = "${HOST}", ["Content-Type"] = "text/plain" }
request = function()
  count = count + 1
  if count % 2 == 0 then return wrk.format("POST", "/echo", headers, body) end
  return wrk.format("GET", "/ping", headers)
end
done = function(summary)
  local e = summary.errors
  io.write(string.format('RESULT {"requests":%d,"errors":{"connect":%d,"read":%d,"write":%d,"status":%d,"timeout":%d}}\\n',
    summary.requests, e.connect, e.read, e.write, e.status, e.timeout))
end
`;

async function openSockets({ bed }: LargeSwarm): Promise<WebSocket[]> {
  const open = async (n: number) => {
    const { host, port } = bed.node(NODES[n % NODES.length]!).address(8080);
    const socket = new WebSocket(`ws://${host}:${port}/ws`, { headers: { host: HOST }, handshakeTimeout: 30_000 });
    await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
    socket.on('error', () => {});
    return socket;
  };
  const sockets: WebSocket[] = [];
  for (let n = 0; n < SOCKETS; n += 20)
    sockets.push(...(await Promise.all(Array.from({ length: 20 }, (_, more) => open(n + more)))));
  return sockets;
}

async function nginxKib({ bed }: LargeSwarm): Promise<number> {
  const script =
    'for p in /proc/[0-9]*; do read -r name <$p/comm; [ $name = nginx ] && grep ^Pss: $p/smaps_rollup; done';
  let sum = 0;
  for (const node of NODES) {
    const { docker } = bed.node(node);
    const filters = { label: ['com.docker.swarm.service.name=signalbox-proxy'], status: ['running'] };
    for (const { Id } of await docker.listContainers({ filters })) {
      const exec = await docker.getContainer(Id).exec({ Cmd: ['sh', '-c', script], AttachStdout: true, Tty: true });
      const stream = await exec.start({ hijack: true, Tty: true } as never);
      let text = '';
      for await (const chunk of stream) text += String(chunk);
      sum += [...text.matchAll(/(\d+) kB/g)].reduce((total, [, kib]) => total + Number(kib), 0);
    }
  }
  return sum;
}

function describe(rows: readonly NoLossRow[]): string {
  const total = rows.reduce((sum, { requests }) => sum + requests, 0);
  const lost = rows.reduce((sum, { failed }) => sum + Object.values(failed).reduce((a, b) => a + b, 0), 0);
  const lines = table([
    ['while', 'failed', 'requests', 'kinds', `sockets closed of ${SOCKETS}`, 'nginx memory', 'seconds'],
    ...rows.map(({ what, requests, failed, closedSockets, seconds, nginxKib: [before, after] }) => [
      what,
      String(Object.values(failed).reduce((a, b) => a + b, 0)),
      String(requests),
      Object.entries(failed)
        .map(([kind, count]) => `${kind} ${count}`)
        .join(', ') || '–',
      String(closedSockets),
      `${(after / before).toFixed(2)} × (${Math.round(before / 1024)} → ${Math.round(after / 1024)} MiB)`,
      seconds.toFixed(0),
    ]),
  ]);
  return `${lines}\n\nfailed ${lost} of ${total} requests`;
}
