import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { buildImage, hasImage } from '../bed/build-image.ts';
import { digestOf } from '../bed/digest.ts';
import { project } from '../bed/places.ts';
import type { Prepared } from '../bed/prepare.ts';
import { run } from '../bed/shell.ts';
import { step } from '../bed/step.ts';
import { BenchContainer } from './bench-container.ts';
import { backendPort, backends, type Contestant, contestants, hostOf, httpPort } from './contestants.ts';
import { median, table } from './part.ts';

const ROUTES = [1, 1000, 5000] as const;
const ROUNDS = 5;
const SECONDS = 4;
const CONNECTIONS = 64;
const NETWORK = 'signalbox-bench';

interface Sample {
  readonly requestsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Processor time of the proxy for one request: what else runs on the machine hardly touches it. */
  readonly cpuMicroseconds: number;
  readonly failed: number;
}

export interface ThroughputRow {
  readonly routes: number;
  readonly contestant: string;
  readonly samples: readonly Sample[];
}

/**
 * HTTP/1.1 through one proxy on a core of its own; the application and wrk share the other. All contestants are up at once and take
 * turns within each round, so that what the machine does meanwhile hits all alike.
 */
export async function throughput(prepared: Prepared): Promise<ThroughputRow[]> {
  const rivals = await step('rivals', (progress) => ensureRivals(prepared, progress.done));
  const proxy = prepared.images.product.find((name) => name.startsWith('signalbox/proxy:'))!;
  const images = { proxy, rivals };
  const rows: ThroughputRow[] = [];
  for (const routes of ROUTES) {
    await step(`${routes}`, async (progress) => {
      rows.push(...(await measure(prepared, images, routes, progress.note)));
      progress.done(`routes: ${ROUNDS} rounds of ${SECONDS} s each`);
    });
  }
  console.log(describe(rows));
  return rows;
}

export async function ensureRivals({ engine, bases }: Prepared, done: (text: string) => void): Promise<string> {
  const tag = `signalbox/bench:${digestOf(project, ['bench/Dockerfile'], [bases.debian])}`;
  const found = await hasImage(engine, tag);
  const context = join(project, 'bench');
  const args = { DEBIAN_IMAGE: bases.debian };
  if (!found) await buildImage(engine, { context, file: join(context, 'Dockerfile'), tag, args });
  done(found ? 'found' : 'built');
  return tag;
}

async function measure(
  { engine }: Prepared,
  images: Readonly<Record<Contestant['image'], string>>,
  routes: number,
  note: (text: string) => void,
): Promise<ThroughputRow[]> {
  const network = NETWORK;
  const containers: BenchContainer[] = [];
  const start = async (options: Omit<Parameters<typeof BenchContainer.start>[1], 'network'>) => {
    const container = await BenchContainer.start(engine, { ...options, name: `${network}-${options.name}`, network });
    containers.push(container);
    return container;
  };
  await sweep(engine.cli);
  await run(engine.cli, ['network', 'create', network]);
  try {
    await start({ name: 'application', image: images.proxy, core: 1, aliases: backends, ...application });
    const client = await start({
      name: 'client',
      image: images.rivals,
      core: 1,
      files: [script(routes)],
      command: ['true'],
    });
    const proxies = new Map<Contestant, BenchContainer>();
    for (const contestant of contestants) {
      note(`starting ${contestant.name}`);
      const { name, command } = contestant;
      const files = contestant.configure(routes);
      proxies.set(
        contestant,
        await start({ name: hostName(name), image: images[contestant.image], core: 0, files, command }),
      );
      await awaitAnswer(client, contestant, routes);
    }
    const samples = new Map(contestants.map((contestant) => [contestant, [] as Sample[]]));
    for (let round = 1; round <= ROUNDS; round++) {
      for (const [contestant, proxy] of proxies) {
        note(`round ${round}: ${contestant.name}`);
        samples.get(contestant)!.push(await sample(client, contestant, proxy));
      }
    }
    return contestants.map((contestant) => ({
      routes,
      contestant: contestant.name,
      samples: samples.get(contestant)!,
    }));
  } finally {
    await sweep(engine.cli);
  }
}

const hostName = (contestant: string) => contestant.toLowerCase().replaceAll(/[^a-z]+/g, '-');
const addressOf = ({ name }: Contestant) => `http://${NETWORK}-${hostName(name)}:${httpPort}/`;

const application = {
  files: [
    {
      path: '/tmp/nginx.conf',
      text: `worker_processes 1; pid /tmp/nginx.pid; error_log stderr; events { worker_connections 4096; }
http { access_log off; keepalive_requests 1000000; keepalive_timeout 1h; client_body_temp_path /tmp/a; proxy_temp_path /tmp/b;
fastcgi_temp_path /tmp/c; uwsgi_temp_path /tmp/d; scgi_temp_path /tmp/e;
server { listen ${backendPort}; location / { return 200 "hello from the application\\n"; } } }`,
    },
  ],
  command: ['nginx', '-g', 'daemon off;', '-c', '/tmp/nginx.conf'],
};

/** wrk asks for all hosts in turn, and writes its figures as one line. */
function script(routes: number) {
  const text = `local n = 0
request = function()
  n = (n + 7) % ${routes}
  return "GET / HTTP/1.1\\r\\nHost: " .. string.gsub("${hostOf(0)}", "0", n, 1) .. "\\r\\n\\r\\n"
end
done = function(summary, latency, requests)
  local e = summary.errors
  io.write(string.format("RESULT %d %d %d %d %d\\n", summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
    e.connect + e.read + e.write + e.timeout + e.status))
end
`;
  return { path: '/tmp/wrk.lua', text };
}

async function awaitAnswer(client: BenchContainer, contestant: Contestant, routes: number): Promise<void> {
  const probe = ['wrk', '-t1', '-c1', '-d1', '-s', '/tmp/wrk.lua', addressOf(contestant)];
  const deadline = performance.now() + 60_000;
  for (;;) {
    const answer = await client.exec(...probe).catch(() => '');
    const [, requests = '0', , , , failed = '1'] = /RESULT (\d+) (\d+) (\d+) (\d+) (\d+)/.exec(answer) ?? [];
    if (Number(requests) > 0 && Number(failed) === 0) return;
    if (performance.now() > deadline)
      throw new Error(`${contestant.name} does not answer for ${routes} routes: ${answer.slice(-300)}`);
    await sleep(200);
  }
}

async function sample(client: BenchContainer, contestant: Contestant, proxy: BenchContainer): Promise<Sample> {
  const before = await proxy.cpuMicroseconds();
  const load = [`-c${CONNECTIONS}`, '-t1', `-d${SECONDS}`, '-s', '/tmp/wrk.lua', addressOf(contestant)];
  const answer = await client.exec('wrk', ...load);
  const used = (await proxy.cpuMicroseconds()) - before;
  const figures = /RESULT (\d+) (\d+) (\d+) (\d+) (\d+)/.exec(answer)?.slice(1).map(Number);
  if (!figures) throw new Error(`wrk says: ${answer}`);
  const [requests = 0, durationUs = 1, p50Us = 0, p99Us = 0, failed = 0] = figures;
  return {
    requestsPerSecond: requests / (durationUs / 1_000_000),
    p50Ms: p50Us / 1000,
    p99Ms: p99Us / 1000,
    cpuMicroseconds: used / requests,
    failed,
  };
}

/** Ratios first: of the median of the rounds to that of nginx written by hand. */
function describe(rows: readonly ThroughputRow[]): string {
  const middle = ({ samples }: ThroughputRow, field: keyof Sample) => median(samples.map((sample) => sample[field]));
  const lines = rows.map((row) => {
    const reference = rows.find(({ routes, contestant }) => routes === row.routes && contestant === 'nginx, by hand')!;
    const ratio = (field: keyof Sample) => (middle(row, field) / middle(reference, field)).toFixed(2);
    const failed = row.samples.reduce((sum, sample) => sum + sample.failed, 0);
    return [
      String(row.routes),
      row.contestant,
      ratio('requestsPerSecond'),
      ratio('cpuMicroseconds'),
      middle(row, 'requestsPerSecond').toFixed(0),
      middle(row, 'cpuMicroseconds').toFixed(1),
      middle(row, 'p50Ms').toFixed(2),
      middle(row, 'p99Ms').toFixed(2),
      String(failed),
    ];
  });
  const head = ['routes', 'proxy', 'req/s ÷ nginx', 'cpu ÷ nginx', 'req/s', 'cpu µs/req', 'p50 ms', 'p99 ms', 'failed'];
  return table([head, ...lines]);
}

async function sweep(cli: string): Promise<void> {
  const names = (await run(cli, ['ps', '--all', '--quiet', '--filter', `network=${NETWORK}`]))
    .split('\n')
    .filter(Boolean);
  if (names.length > 0) await run(cli, ['rm', '--force', ...names]);
  await run(cli, ['network', 'rm', NETWORK]).catch(() => {});
}
