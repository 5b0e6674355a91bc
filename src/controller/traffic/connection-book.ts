import { type OpenConnections, STEP_SECONDS } from '../../model/traffic.ts';

/** An agent reports every 5 s. */
const SILENCE_SECONDS = 20;
const KEPT_STEPS = 86_400 / STEP_SECONDS;

/** Open connections of the proxies, by cluster, now and in the steps of the last day. */
export class ConnectionBook {
  readonly #clusters = new Map<string, Cluster>();

  note(cluster: string, task: string, step: number, open: OpenConnections | null): void {
    const known = this.#clusters.get(cluster) ?? { proxies: new Map(), history: new Uint16Array(KEPT_STEPS), step };
    this.#clusters.set(cluster, known);
    advance(known, step);
    if (open === null) known.proxies.delete(task);
    else known.proxies.set(task, { ...open, step });
    known.history[step % KEPT_STEPS] = Math.min(65_535, sumOf(known, step).open);
  }

  /** Undefined without a report. */
  now(cluster: string | undefined, step: number): (OpenConnections & { readonly open: number }) | undefined {
    const found = this.#chosen(cluster);
    if (found.length === 0) return undefined;
    return found.map((one) => sumOf(one, step)).reduce(plus);
  }

  /** The number of open connections in a step. */
  at(cluster: string | undefined, step: number): number {
    return this.#chosen(cluster).reduce(
      (sum, known) =>
        sum + (step > known.step || step <= known.step - KEPT_STEPS ? 0 : known.history[step % KEPT_STEPS]!),
      0,
    );
  }

  #chosen(cluster: string | undefined): Cluster[] {
    return [...this.#clusters].filter(([name]) => cluster === undefined || name === cluster).map(([, known]) => known);
  }
}

interface Cluster {
  readonly proxies: Map<string, OpenConnections & { readonly step: number }>;
  /** By the step modulo its length. */
  readonly history: Uint16Array;
  step: number;
}

type Counted = OpenConnections & { readonly open: number };

/** Steps without a report have no connections. */
function advance(cluster: Cluster, step: number): void {
  const missed = Math.min(KEPT_STEPS, step - cluster.step - 1);
  for (let back = 1; back <= missed; back += 1) cluster.history[(step - back) % KEPT_STEPS] = 0;
  cluster.step = Math.max(cluster.step, step);
}

function sumOf({ proxies }: Cluster, step: number): Counted {
  return [...proxies.values()]
    .filter((proxy) => step - proxy.step <= SILENCE_SECONDS / STEP_SECONDS)
    .map(({ reading, writing, waiting }) => ({ reading, writing, waiting, open: reading + writing + waiting }))
    .reduce(plus, { reading: 0, writing: 0, waiting: 0, open: 0 });
}

function plus(a: Counted, b: Counted): Counted {
  return {
    reading: a.reading + b.reading,
    writing: a.writing + b.writing,
    waiting: a.waiting + b.waiting,
    open: a.open + b.open,
  };
}
