// The CPU cost of regular expressions for a worker: everything that the cluster's budget allows, with the most
// expensive names.
import { expect, it } from 'vitest';
import { CLUSTER_SHARE } from '../../src/model/budget.ts';
import { buildDesiredState } from '../../src/model/desired-state.ts';
import { toRenderInput } from '../../src/model/render-input.ts';
import { parseSettings } from '../../src/model/settings/settings.ts';
import { aNetwork, aService } from '../support/builders.ts';
import { render } from '../support/golden.ts';
import { containerPort, containerTlsPort, NginxContainer } from '../support/nginx-container.ts';

const REQUESTS = 200;
const MOST_MS = 5;

interface Family {
  readonly expression: (number: number) => string;
  /** Enough to fill the cluster. */
  readonly services: number;
  /** Names that nearly match, in as many ways as possible. */
  readonly worst: readonly string[];
}

/** nginx's regular expression engine fails immediately on a name without the last fixed character. */
const filled = (pump: string, end = '0123456789.example.orgx') =>
  `${pump.repeat(253).slice(0, 253 - end.length)}${end}`;

const families: Readonly<Record<string, Family>> = {
  'a wildcard repetition before fixed text': {
    services: 60,
    expression: (n) => String.raw`.*\.t${n}\.example\.org`,
    worst: [filled('.'), filled('.t')],
  },
  'optional parts before fixed text': {
    services: 80,
    expression: (n) => String.raw`(.+\.)?(a-)?t${n}\.org`,
    worst: [filled('.'), filled('a.'), filled('a-')],
  },
  'text anywhere': { services: 150, expression: (n) => `.*tt${n}.*`, worst: [filled('t')] },
  'bounded repetitions': {
    services: 25,
    expression: (n) => `[a-z]{1,70}[a-z]{1,70}[0-9]t${n}`,
    worst: [filled('a'), `${'a'.repeat(140)}0t0123456789x`],
  },
  'nested repetitions': {
    services: 100,
    expression: (n) => String.raw`([a-z]+\.)+t${n}\.example`,
    worst: [filled('a.'), filled('a')],
  },
  'fixed text': { services: 160, expression: (n) => `t{3}${n}`, worst: [filled('t')] },
};

/** As many services as the cluster has room for, and one more. */
function fullCluster({ expression, services: count }: Family) {
  const perService = 5;
  const services = Array.from({ length: count }, (_, service) =>
    aService(`service${service}`, {
      // Answers without an upstream.
      mode: { kind: 'replicated', replicas: 0 },
      createdAt: String(service).padStart(4, '0'),
      host: Array.from({ length: perService }, (_, n) => `~^${expression(service * perService + n)}$`).join(','),
    }),
  );
  const extension = { TargetPort: containerPort, TargetSSLPort: containerTlsPort, Config: { WorkerProcesses: '1' } };
  const { settings } = parseSettings({ Extensions: { default: extension } }, '1');
  const nothing = { nodes: [], hostTasks: [], configs: [], secrets: [], owned: [] };
  const [state] = buildDesiredState({ services, networks: [aNetwork('app')], ...nothing }, settings).clusters;
  return { input: toRenderInput(state!), wanted: services.length * perService };
}

/** CPU time of all workers in milliseconds, measured in ticks of 10 ms. */
async function workerMs(nginx: NginxContainer): Promise<number> {
  const lines = (await nginx.read('/proc/[0-9]*/stat')).split('\n').filter((line) => line.includes('(nginx)'));
  return lines.reduce((sum, line) => {
    const [user = 0, system = 0] = line.split(') ')[1]!.split(' ').slice(11, 13).map(Number);
    return sum + 10 * (user + system);
  }, 0);
}

async function msPerRequest(nginx: NginxContainer, host: string): Promise<number> {
  const before = await workerMs(nginx);
  for (let sent = 0; sent < REQUESTS; sent += 20)
    await Promise.all(Array.from({ length: 20 }, () => nginx.ask({ host })));
  return ((await workerMs(nginx)) - before) / REQUESTS;
}

it.each(Object.entries(families))(
  "a full cluster of %s takes a few milliseconds of a worker's time at most",
  async (_, family) => {
    const { input, wanted } = fullCluster(family);
    const admitted = input.routes.flatMap(({ hosts }) => hosts).length;
    await using nginx = await NginxContainer.start();
    const { files } = render(input);
    await nginx.serve(files[0]!.text);

    const figures: Record<string, number> = {};
    for (const name of [...family.worst, 'x'.repeat(20_000), 'x'])
      figures[`${name.slice(0, 4)} ×${name.length}`] = await msPerRequest(nginx, name);
    console.info(`${admitted} of ${wanted} admitted, ${CLUSTER_SHARE.steps} steps: ${JSON.stringify(figures)}`);

    expect(admitted).toBeGreaterThan(0);
    expect(admitted).toBeLessThan(wanted);
    expect(Math.max(...Object.values(figures))).toBeLessThan(MOST_MS);
  },
);
