import { setTimeout as sleep } from 'node:timers/promises';
import type { Prepared } from '../bed/prepare.ts';
import { step } from '../bed/step.ts';
import { keptFiles } from './kept-files.ts';
import { hostOf, LargeSwarm } from './large-swarm.ts';
import { nginxAlone } from './nginx-alone.ts';
import { median, sizes, table } from './part.ts';

const SIZES = sizes([0, 1000, 10_000]);
const IDLE_SECONDS = 30;
const SINGLE_CHANGES = 10;
const BUSY_SECONDS = 20;
const CHANGES_PER_SECOND = 10;
const CONTROLLER = 'signalbox_controller';
const EXTENSION = 'signalbox-extension';

/** Resources that a process has used since it started. */
interface Usage {
  readonly cpuMs: number;
  /** Of child processes that have ended, such as nginx -t. */
  readonly childrenCpuMs: number;
  readonly memoryMb: number;
  readonly mostMemoryMb: number;
  /** Engine API calls, by method and path. */
  readonly calls: Readonly<Record<string, number>>;
}

export interface ControllerRow {
  readonly services: number;
  /** CPU time of the controller in one second without changes. */
  readonly idleCpuMs: number;
  readonly memoryMb: number;
  readonly mostMemoryMb: number;
  /**
   * CPU time of one isolated change: of the controller, of the extension, and of the extension's nginx, which reads the
   * changed part.
   */
  readonly changeCpuMs: number;
  readonly extensionCpuMs: number;
  readonly partTestCpuMs: number;
  /** Duration of nginx -t for the complete configuration. */
  readonly testMs: number;
  readonly callsPerChange: Readonly<Record<string, number>>;
  /** At ten changes a second, several of which share a pass. */
  readonly busyCpuMsPerSecond: number;
  readonly busyCpuMsPerChange: number;
  readonly busyMemoryMb: number;
}

/**
 * Controller and extension when idle, after single label changes, and under many changes. CPU time as the kernel counts
 * it.
 */
export async function controller(prepared: Prepared): Promise<ControllerRow[]> {
  await using swarm = await step('swarm', async ({ done }) => {
    const opened = await LargeSwarm.open(prepared, 'ingress');
    await countCalls(opened);
    done('three nodes');
    return opened;
  });
  const rows: ControllerRow[] = [];
  for (const size of SIZES) {
    await step(`${size}`, async ({ note, done }) => {
      note('creating services');
      // Changes need a service.
      await swarm.grow(Math.max(size, 1));
      const row = await measure(prepared, swarm, size, note);
      rows.push(row);
      done(
        `services: ${row.changeCpuMs.toFixed(0)} ms of processor time for a change, ${row.mostMemoryMb.toFixed(0)} MB`,
      );
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
): Promise<ControllerRow> {
  note('idle');
  await sleep(10_000);
  const rest = await usage(swarm, CONTROLLER);
  await sleep(IDLE_SECONDS * 1000);
  const rested = await usage(swarm, CONTROLLER);
  const idleCpuMs = (rested.cpuMs - rest.cpuMs) / IDLE_SECONDS;

  const singles = [];
  for (let n = 0; n < SINGLE_CHANGES; n++) {
    note(`change ${n + 1} of ${SINGLE_CHANGES}`);
    singles.push(await changeOnce(swarm, n % Math.max(services, 1), idleCpuMs));
  }

  note('many changes');
  const before = await usage(swarm, CONTROLLER);
  const begun = performance.now();
  const count = await changeMany(swarm, Math.max(services, 1));
  const after = await usage(swarm, CONTROLLER);
  const seconds = (performance.now() - begun) / 1000;
  await swarm.settled();
  note('nginx alone');
  const alone = await nginxAlone(prepared, await keptFiles(swarm.bed));
  return {
    services,
    idleCpuMs,
    memoryMb: rested.memoryMb,
    mostMemoryMb: rested.mostMemoryMb,
    changeCpuMs: median(singles.map((single) => single.controller)),
    extensionCpuMs: median(singles.map((single) => single.extension)),
    partTestCpuMs: median(singles.map((single) => single.partTest)),
    testMs: median(alone.testMs),
    callsPerChange: meanCalls(singles.map((single) => single.calls)),
    busyCpuMsPerSecond: (after.cpuMs - before.cpuMs) / seconds,
    busyCpuMsPerChange: (after.cpuMs - before.cpuMs) / count,
    busyMemoryMb: after.memoryMb,
  };
}

let changes = 0;

async function change(swarm: LargeSwarm, n: number): Promise<void> {
  changes += 1;
  await swarm.changeHost(`service${n}`, `changed${changes}.${hostOf(n)}`);
}

async function changeOnce(swarm: LargeSwarm, n: number, idleCpuMs: number) {
  const [controller, extension] = [await usage(swarm, CONTROLLER), await usage(swarm, EXTENSION)];
  const begun = performance.now();
  await change(swarm, n);
  await sleep(8000);
  const [changed, rendered] = [await usage(swarm, CONTROLLER), await usage(swarm, EXTENSION)];
  const seconds = (performance.now() - begun) / 1000;
  return {
    controller: changed.cpuMs - controller.cpuMs - idleCpuMs * seconds,
    extension: rendered.cpuMs - extension.cpuMs,
    partTest: rendered.childrenCpuMs - extension.childrenCpuMs,
    calls: difference(controller.calls, changed.calls),
  };
}

async function changeMany(swarm: LargeSwarm, services: number): Promise<number> {
  const end = performance.now() + BUSY_SECONDS * 1000;
  let count = 0;
  while (performance.now() < end) {
    const next = performance.now() + 1000 / CHANGES_PER_SECOND;
    await change(swarm, (count * 7) % services);
    count += 1;
    await sleep(Math.max(0, next - performance.now()));
  }
  return count;
}

/** The only writable place in a read-only container. */
const CALLS_FILE = '/dev/shm/engine-calls.json';

/** Makes the controller's process count its requests to the Engine, and write the counts to a file continuously. */
async function countCalls({ bed }: LargeSwarm): Promise<void> {
  const script = `import dc from 'node:diagnostics_channel'; import { writeFile } from 'node:fs';
const calls = {};
dc.subscribe('http.client.request.start', ({ request }) => {
  if (!request.socketPath) return;
  const path = request.path.replace(/\\?.*/, '').replace(/[/][a-z0-9]{25}(?=[/]|$)/, '/:id');
  calls[request.method + ' ' + path] = (calls[request.method + ' ' + path] ?? 0) + 1;
});
setInterval(() => writeFile('${CALLS_FILE}', JSON.stringify(calls), () => {}), 500).unref();`;
  const module = `data:text/javascript;base64,${Buffer.from(script).toString('base64')}`;
  await bed.docker(
    'service',
    'update',
    '--detach',
    '--quiet',
    '--env-add',
    `NODE_OPTIONS=--import=${module}`,
    CONTROLLER,
  );
  const deadline = performance.now() + 60_000;
  while (!(await bed.exec(CONTROLLER, 'cat', CALLS_FILE).catch(() => ''))) {
    if (performance.now() > deadline) throw new Error(`The controller does not count: ${await bed.logs(CONTROLLER)}`);
    await sleep(1000);
  }
}

/** Of the container's main process. The kernel counts in hundredths of a second. */
async function usage({ bed }: LargeSwarm, service: string): Promise<Usage> {
  const script = `const read = (path) => fs.readFileSync(path, 'utf8');
    console.log(read('/proc/1/stat').trim());
    console.log(read('/proc/1/status').match(/^Vm(RSS|HWM).*$/gm).join('\\n'));
    console.log(fs.existsSync('${CALLS_FILE}') ? read('${CALLS_FILE}') : '{}');`;
  const [stat = '', ...lines] = (await bed.exec(service, 'node', '-e', script)).split('\n');
  // After the name, which is in parentheses.
  const fields = stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .map(Number);
  const [user = 0, system = 0, childrenUser = 0, childrenSystem = 0] = fields.slice(11, 15);
  const megabytes = (name: string) =>
    Number(/\d+/.exec(lines.find((line) => line.startsWith(name)) ?? '')?.[0] ?? Number.NaN) / 1024;
  return {
    cpuMs: (user + system) * 10,
    childrenCpuMs: (childrenUser + childrenSystem) * 10,
    memoryMb: megabytes('VmRSS'),
    mostMemoryMb: megabytes('VmHWM'),
    calls: JSON.parse(lines.find((line) => line.startsWith('{')) ?? '{}'),
  };
}

type Calls = Readonly<Record<string, number>>;

function difference(before: Calls, after: Calls): Calls {
  const entries = Object.entries(after).map(([call, count]) => [call, count - (before[call] ?? 0)] as const);
  return Object.fromEntries(entries.filter(([, count]) => count > 0));
}

function meanCalls(all: readonly Calls[]): Calls {
  const names = [...new Set(all.flatMap((calls) => Object.keys(calls)))].toSorted();
  return Object.fromEntries(
    names.map((name) => [name, all.reduce((sum, calls) => sum + (calls[name] ?? 0), 0) / all.length]),
  );
}

function describe(rows: readonly ControllerRow[]): string {
  const whole = (value: number) => value.toFixed(0);
  const head = [
    'services',
    'change ÷ nginx -t',
    'change: controller ms',
    'extension ms',
    'nginx -t of what is new ms',
    'nginx -t of all ms',
    'idle ms/s',
    `${CHANGES_PER_SECOND}/s: ms/s`,
    'ms/change',
    'memory MB',
    'most MB',
    'calls/change',
  ];
  const lines = rows.map((row) => [
    String(row.services),
    ((row.changeCpuMs + row.extensionCpuMs + row.partTestCpuMs) / row.testMs).toFixed(2),
    whole(row.changeCpuMs),
    whole(row.extensionCpuMs),
    whole(row.partTestCpuMs),
    whole(row.testMs),
    row.idleCpuMs.toFixed(1),
    whole(row.busyCpuMsPerSecond),
    whole(row.busyCpuMsPerChange),
    whole(row.busyMemoryMb),
    whole(row.mostMemoryMb),
    Object.values(row.callsPerChange)
      .reduce((sum, count) => sum + count, 0)
      .toFixed(1),
  ]);
  return table([head, ...lines]);
}
