import { setTimeout as sleep } from 'node:timers/promises';
import type { Prepared } from '../bed/prepare.ts';
import { run } from '../bed/shell.ts';
import { step } from '../bed/step.ts';
import { errorLogConfiguration, requestLogConfiguration } from '../src/proxy/nginx/request-log.ts';
import { application, BenchContainer, NETWORK, sweep } from './bench-container.ts';
import { backends, type Contestant, contestants, hostOf, httpPort, type Protocol, tlsPort } from './contestants.ts';
import { sizes, table } from './part.ts';
import { ensureRivals, makeMaterial } from './throughput.ts';

const ROUTES = sizes([1]);
const PROTOCOLS = ['http', 'tls', 'h2'] as const;
const REFERENCE = 'nginx, by hand';
/** The difference between two numbers of requests leaves out what nginx does once. */
const FEW = 200;
const MANY = 1200;
const PROXY = `${NETWORK}-proxy`;
const LIBRARIES = ['/proxy/lib/x86_64-linux-gnu', '/proxy/usr/lib/x86_64-linux-gnu'].join(':');
/** One process, started by the loader of the proxy image with its own libraries. */
const NGINX = `/proxy/lib64/ld-linux-x86-64.so.2 --library-path ${LIBRARIES} /proxy/usr/sbin/nginx -e /tmp/errors -g 'daemon off; master_process off;' -c /tmp/nginx.conf`;

export interface InstructionsRow {
  readonly routes: number;
  readonly protocol: Protocol;
  readonly contestant: string;
  /** CPU instructions of nginx in user space for one request. */
  readonly perRequest: number;
}

/**
 * CPU instructions of nginx for one request, counted by callgrind. Other load on the machine does not change them, and
 * repeated runs of HTTP/1.1 differ by less than 0.1 %. The kernel's part and the agent's are not included.
 */
export async function instructions(prepared: Prepared): Promise<InstructionsRow[]> {
  const rivals = await step('rivals', (progress) => ensureRivals(prepared, progress.done));
  const { cli } = prepared.engine;
  const image = prepared.images.product.find((name) => name.startsWith('signalbox/proxy:'))!;
  const material = await makeMaterial();
  const rows: InstructionsRow[] = [];
  const measured = contestants.filter((one) => one.image === 'proxy' && one.name !== 'nginx, the same');
  await sweep(cli);
  await run(cli, ['network', 'create', NETWORK]);
  try {
    const placed = { network: NETWORK, core: 0 };
    const app = { ...placed, name: `${NETWORK}-application`, image, aliases: backends, ...application };
    await BenchContainer.start(prepared.engine, app);
    const proxy = { ...placed, name: PROXY, image: rivals, files: [], command: ['true'] };
    const container = await BenchContainer.start(prepared.engine, proxy);
    await copyProxy(cli, image);
    for (const routes of ROUTES) {
      for (const contestant of measured) {
        await step(contestant.name, async (progress) => {
          await container.write([...contestant.configure(routes, material), ...logs(contestant)]);
          for (const protocol of PROTOCOLS) {
            const few = await count(container, protocol, FEW);
            const perRequest = ((await count(container, protocol, MANY)) - few) / (MANY - FEW);
            rows.push({ routes, protocol, contestant: contestant.name, perRequest });
          }
          progress.done(`${routes} routes`);
        });
      }
    }
  } finally {
    await sweep(cli);
  }
  console.log(describe(rows));
  return rows;
}

/** Copies the files of the proxy image into the container that has valgrind. */
async function copyProxy(cli: string, image: string): Promise<void> {
  const source = `${NETWORK}-image`;
  await run(cli, ['create', '--name', source, image]);
  await run(cli, ['exec', PROXY, 'mkdir', '/proxy']);
  await run('sh', ['-c', `${cli} cp ${source}:/ - | ${cli} cp - ${PROXY}:/proxy`]);
  await run(cli, ['rm', source]);
}

/** The configuration that the agent writes. */
function logs({ name }: Contestant) {
  const isCounted = name === 'signalbox';
  const written = (text: string) => (isCounted ? text : '');
  return [
    { path: '/tmp/signalbox/metrics.conf', text: written(requestLogConfiguration('/tmp/requests')) },
    { path: '/tmp/signalbox/errors.conf', text: written(errorLogConfiguration('/tmp/failed')) },
  ];
}

/** Instructions from start to end of an nginx that answers this many requests. */
async function count(container: BenchContainer, protocol: Protocol, requests: number): Promise<number> {
  const port = protocol === 'http' ? httpPort : tlsPort;
  const url = `${protocol === 'http' ? 'http' : 'https'}://${hostOf(0)}:${port}/`;
  const h2load = `h2load -n${requests} -c1 -m1 ${protocol === 'h2' ? '' : '--h1'} --connect-to=127.0.0.1:${port} ${url}`;
  await container.exec(
    'sh',
    '-c',
    `rm -f /tmp/calls; valgrind -q --tool=callgrind --callgrind-out-file=/tmp/calls ${NGINX} >/dev/null 2>&1 & echo $! >/tmp/valgrind.pid`,
  );
  await untilListening(container, port);
  const answer = await container.exec('sh', '-c', h2load);
  if (!answer.includes(`${requests} succeeded`)) throw new Error(`h2load printed: ${answer}`);
  // An ended process stays a zombie, because the container's first process is no init.
  const text = await container.exec(
    'sh',
    '-c',
    'pid=$(cat /tmp/valgrind.pid); kill -TERM $pid; until grep -qs "State:.Z" /proc/$pid/status; do sleep 0.1; done; grep ^totals: /tmp/calls',
  );
  return Number(/^totals: (\d+)/m.exec(text)![1]);
}

async function untilListening(container: BenchContainer, port: number): Promise<void> {
  const deadline = performance.now() + 60_000;
  // The state 0A: connections of the previous process do not count.
  const listening = `:${port.toString(16).toUpperCase()} 00000000:0000 0A`;
  for (;;) {
    if ((await container.exec('cat', '/proc/net/tcp')).includes(listening)) return;
    if (performance.now() > deadline)
      throw new Error(`nginx does not start: ${await container.exec('cat', '/tmp/errors')}`);
    await sleep(100);
  }
}

function describe(rows: readonly InstructionsRow[]): string {
  const lines = rows.map(({ routes, protocol, contestant, perRequest }) => {
    const reference = rows.find(
      (row) => row.routes === routes && row.protocol === protocol && row.contestant === REFERENCE,
    );
    const ratio = reference === undefined ? '' : (perRequest / reference.perRequest).toFixed(3);
    return [String(routes), protocol, contestant, ratio, perRequest.toFixed(0)];
  });
  return table([['routes', 'over', 'proxy', 'instructions ÷ nginx', 'instructions per request'], ...lines]);
}
