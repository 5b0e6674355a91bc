import { setTimeout as sleep } from 'node:timers/promises';
import type { Prepared } from '../bed/prepare.ts';
import { run } from '../bed/shell.ts';
import { step } from '../bed/step.ts';
import { ensureToolsImage } from '../bed/tools-image.ts';
import { application, BenchContainer, NETWORK, sweep } from './bench-container.ts';
import {
  backends,
  type Contestant,
  contestants,
  hostOf,
  httpPort,
  type Material,
  type Protocol,
  tlsPort,
} from './contestants.ts';
import { median, sizes, table } from './part.ts';

const ROUTES = sizes([1, 1000, 5000]);
const PROTOCOLS = ['http', 'tls', 'h2'] as const;
/**
 * How often all proxies are restarted. Identical proxies differ by some percent for as long as they run, depending on
 * their memory layout.
 */
const GENERATIONS = Number(process.env.GENERATIONS ?? 5);
const ROUNDS = Number(process.env.ROUNDS ?? 3);
/** The same configuration twice. Their mean is the reference: it varies less than either of them. */
const REFERENCES = ['nginx, by hand', 'nginx, the same'];
/** Short, so that other load on the machine affects all contestants of a round equally. */
const SECONDS = 1;
const CONNECTIONS = 64;
/**
 * Requests in flight on an HTTP/2 connection. In total they equal the idle connections kept open to the application.
 */
const STREAMS = 4;

interface Sample {
  readonly requestsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** CPU time of the proxy for one request. Other load on the machine hardly affects it. */
  readonly cpuMicroseconds: number;
  readonly failed: number;
}

export interface ThroughputRow {
  readonly routes: number;
  readonly protocol: Protocol;
  readonly contestant: string;
  /** One sample of each round. Those at the same position were taken in succession. */
  readonly samples: Sample[];
}

/**
 * HTTP/1.1, HTTP/1.1 over TLS, and HTTP/2 through one proxy on its own core. The application and wrk or h2load share
 * the other core. All contestants run at the same time and take turns in each round, so that other load on the machine
 * affects all equally.
 */
export async function throughput(prepared: Prepared): Promise<ThroughputRow[]> {
  const rivals = await step('rivals', (progress) => ensureRivals(prepared, progress.done));
  const proxy = prepared.images.product.find((name) => name.startsWith('signalbox/proxy:'))!;
  const images = { proxy, rivals };
  const material = await makeMaterial();
  const rows: ThroughputRow[] = [];
  for (const routes of ROUTES) {
    await step(`${routes}`, async (progress) => {
      const ofSize = PROTOCOLS.flatMap((protocol) =>
        contestants.map(({ name }) => ({ routes, protocol, contestant: name, samples: [] })),
      );
      rows.push(...ofSize);
      for (let generation = 1; generation <= GENERATIONS; generation++) {
        await measure(prepared, images, routes, material, generation, ofSize, progress.note);
      }
      progress.done(`routes: ${GENERATIONS} times started, ${ROUNDS} rounds of ${SECONDS} s each`);
    });
  }
  console.log(describe(rows));
  return rows;
}

export async function ensureRivals(prepared: Prepared, done: (text: string) => void): Promise<string> {
  const { tag, found } = await ensureToolsImage(prepared, 'bench', 'bench/Dockerfile');
  done(found ? 'found' : 'built');
  return tag;
}

export async function makeMaterial(): Promise<Material> {
  const subject = ['-subj', '/CN=bench.local', '-addext', 'subjectAltName=DNS:*.bench.local'];
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', '-'];
  const pem = await run('openssl', ['req', '-x509', '-days', '30', ...key, ...subject]);
  const block = (kind: string) => new RegExp(`-----BEGIN ${kind}-----[^]*-----END ${kind}-----\\n`).exec(pem)![0];
  return { certificate: block('CERTIFICATE'), key: block('PRIVATE KEY') };
}

/** Starts all proxies, and adds a sample for each round to each row. */
async function measure(
  { engine }: Prepared,
  images: Readonly<Record<Contestant['image'], string>>,
  routes: number,
  material: Material,
  generation: number,
  rows: readonly ThroughputRow[],
  note: (text: string) => void,
): Promise<void> {
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
    const proxies = new Map<string, BenchContainer>();
    for (const contestant of contestants) {
      note(`starting ${contestant.name}`);
      const { name, command } = contestant;
      const files = contestant.configure(routes, material);
      proxies.set(
        name,
        await start({ name: hostName(name), image: images[contestant.image], core: 0, files, command }),
      );
      for (const protocol of PROTOCOLS) await awaitAnswer(client, name, protocol, routes);
    }
    for (let round = 1; round <= ROUNDS; round++) {
      // The order matters little, except which contestant is first.
      const turn = (generation - 1) * ROUNDS + round;
      const order = PROTOCOLS.flatMap((protocol) =>
        rotated(
          rows.filter((row) => row.protocol === protocol),
          turn,
        ),
      );
      for (const { protocol, contestant, samples } of order) {
        note(`round ${round}: ${contestant}, ${protocol}`);
        const proxy = proxies.get(contestant)!;
        samples.push(await sample(client, contestant, proxy, protocol, routes));
        await awaitRest(proxy);
      }
    }
  } finally {
    await sweep(engine.cli);
  }
}

function rotated<T>(items: readonly T[], by: number): T[] {
  const start = by % items.length;
  return [...items.slice(start), ...items.slice(0, start)];
}

const hostName = (contestant: string) => contestant.toLowerCase().replaceAll(/[^a-z]+/g, '-');
const addressOf = (contestant: string) => `${NETWORK}-${hostName(contestant)}`;

/**
 * wrk requests all hosts in turn and writes its figures as one line. Over TLS it requests one host, the name in the
 * handshake.
 */
function script(routes: number) {
  const text = `local n = 0
local isSecure = wrk.scheme == "https"
request = function()
  n = (n + 7) % ${routes}
  local host = isSecure and wrk.host or string.gsub("${hostOf(0)}", "0", n, 1)
  return "GET / HTTP/1.1\\r\\nHost: " .. host .. "\\r\\n\\r\\n"
end
done = function(summary, latency, requests)
  local e = summary.errors
  io.write(string.format("RESULT %d %d %d %d %d\\n", summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
    e.connect + e.read + e.write + e.timeout + e.status))
end
`;
  return { path: '/tmp/wrk.lua', text };
}

/**
 * Command that puts load on a proxy for some seconds, and writes RESULT with: requests, µs, µs at p50, µs at p99,
 * failed.
 */
function load(proxy: string, protocol: Protocol, routes: number, seconds: number, connections = CONNECTIONS): string {
  const wrk = `wrk -t1 -c${connections} -d${seconds} -s /tmp/wrk.lua`;
  const host = hostOf(routes - 1);
  if (protocol === 'http') return `${wrk} http://${proxy}:${httpPort}/`;
  // wrk has no other way to set the server name.
  const named = `ip=$(getent hosts ${proxy} | cut -d' ' -f1); echo "$ip ${host}" >/etc/hosts`;
  if (protocol === 'tls') return `${named}; ${wrk} https://${host}:${tlsPort}/`;
  const h2load = `h2load -t1 -c${connections} -m${STREAMS} -D${seconds} --warm-up-time=0 --log-file=/tmp/h2.log`;
  return `rm -f /tmp/h2.log; ${h2load} --connect-to=${proxy}:${tlsPort} https://${host}:${tlsPort}/ >/tmp/h2.out
sort -n -k3 /tmp/h2.log | awk -v seconds=${seconds} '{ t[NR] = $3; if ($2 != 200) bad++ }
END { printf "RESULT %d %d %d %d %d\\n", NR, seconds * 1000000, t[int((NR + 1) / 2)], t[int(NR * 0.99)], bad }'`;
}

const RESULT = /RESULT (\d+) (\d+) (\d+) (\d+) (\d+)/;

async function awaitAnswer(client: BenchContainer, name: string, protocol: Protocol, routes: number): Promise<void> {
  const deadline = performance.now() + 60_000;
  for (;;) {
    const answer = await client.exec('sh', '-c', load(addressOf(name), protocol, routes, 1, 1)).catch(() => '');
    const [, requests = '0', , , , failed = '1'] = RESULT.exec(answer) ?? [];
    if (Number(requests) > 0 && Number(failed) === 0) return;
    if (performance.now() > deadline)
      throw new Error(`${name} does not answer over ${protocol} for ${routes} routes: ${answer.slice(-300)}`);
    await sleep(200);
  }
}

async function sample(
  client: BenchContainer,
  name: string,
  proxy: BenchContainer,
  protocol: Protocol,
  routes: number,
): Promise<Sample> {
  const before = await proxy.cpuMicroseconds();
  const answer = await client.exec('sh', '-c', load(addressOf(name), protocol, routes, SECONDS));
  const used = (await proxy.cpuMicroseconds()) - before;
  const figures = RESULT.exec(answer)?.slice(1).map(Number);
  if (!figures) throw new Error(`The load generator printed: ${answer}`);
  const [requests = 0, durationUs = 1, p50Us = 0, p99Us = 0, failed = 0] = figures;
  return {
    requestsPerSecond: requests / (durationUs / 1_000_000),
    p50Ms: p50Us / 1000,
    p99Ms: p99Us / 1000,
    cpuMicroseconds: used / requests,
    failed,
  };
}

/**
 * The proxy still answers requests that the client abandoned at the end. With Caddy, on a core that the next contestant
 * shares, this takes most of a second.
 */
async function awaitRest(proxy: BenchContainer): Promise<void> {
  const deadline = performance.now() + 30_000;
  for (let before = await proxy.cpuMicroseconds(); ; ) {
    await sleep(100);
    const after = await proxy.cpuMicroseconds();
    // The check itself takes about 20 ms.
    if (after - before < 40_000) return;
    if (performance.now() > deadline) throw new Error('A proxy is still busy half a minute after the last request');
    before = after;
  }
}

/** Ratios first: the median of each round's ratio to the hand-written nginx configurations. */
function describe(rows: readonly ThroughputRow[]): string {
  const middle = ({ samples }: ThroughputRow, field: keyof Sample) => median(samples.map((sample) => sample[field]));
  const lines = rows.map((row) => {
    const references = rows.filter(
      ({ routes, protocol, contestant }) =>
        routes === row.routes && protocol === row.protocol && REFERENCES.includes(contestant),
    );
    const referenceOf = (field: keyof Sample, round: number) =>
      references.reduce((sum, { samples }) => sum + samples[round]![field], 0) / references.length;
    const ratio = (field: keyof Sample) =>
      median(row.samples.map((sample, round) => sample[field] / referenceOf(field, round))).toFixed(3);
    const failed = row.samples.reduce((sum, sample) => sum + sample.failed, 0);
    return [
      String(row.routes),
      row.protocol,
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
  const head = [
    'routes',
    'over',
    'proxy',
    'req/s ÷ nginx',
    'cpu ÷ nginx',
    'req/s',
    'cpu µs/req',
    'p50 ms',
    'p99 ms',
    'failed',
  ];
  return table([head, ...lines]);
}
