import { sleep } from '../../lib/sleep.ts';
import type { ClusterOutcome } from './reconcile-cluster.ts';

/** Most clusters finish within this time. */
const GRACE_MS = 250;

export interface ClusterRun {
  readonly name: string;
  readonly run: (signal: AbortSignal, seenAt: number) => Promise<ClusterOutcome>;
}

interface Circumstances {
  readonly signal: AbortSignal;
  readonly seenAt: number;
  /** Resolves when another pass is due. */
  readonly triggered?: Promise<void> | undefined;
}

interface Running {
  readonly result: Promise<PromiseSettledResult<ClusterOutcome>>;
  readonly stop: AbortController;
  isLeft: boolean;
}

/** Undefined if the cluster's run is not finished. */
export type RunResult = PromiseSettledResult<ClusterOutcome> | undefined;

/**
 * Runs clusters concurrently, with one run at a time for each. A pass ends without slow clusters when another pass is due. Their runs continue, and
 * the next pass skips them.
 */
export class ClusterRuns {
  readonly #onLate: () => void;
  readonly #running = new Map<string, Running>();
  /** Results of runs that finished after their pass, until there is a newer result. */
  readonly #late = new Map<string, PromiseSettledResult<ClusterOutcome>>();
  /** The time of the first event for a cluster that was busy. */
  readonly #waiting = new Map<string, number>();

  constructor(onLate: () => void = () => undefined) {
    this.#onLate = onLate;
  }

  async run(runs: readonly ClusterRun[], circumstances: Circumstances): Promise<RunResult[]> {
    const names = new Set(runs.map(({ name }) => name));
    // Stops clusters that were removed or disabled.
    for (const [name, { stop }] of this.#running) if (!names.has(name)) stop.abort();
    for (const name of this.#late.keys()) if (!names.has(name)) this.#late.delete(name);
    const results: RunResult[] = runs.map(() => undefined);
    const started = runs.map(async (run, position) => {
      const running = this.#start(run, circumstances);
      if (running) results[position] = await running.result;
    });
    const all = Promise.all(started);
    const { triggered, signal } = circumstances;
    // A single cluster delays no other.
    if (triggered === undefined || runs.length < 2) await all;
    else {
      const done = new AbortController();
      await Promise.race([all, triggered.then(() => sleep(GRACE_MS, AbortSignal.any([signal, done.signal])))]);
      done.abort();
    }
    return runs.map(({ name }, position) => {
      const result = results[position];
      const running = this.#running.get(name);
      if (result === undefined && running) running.isLeft = true;
      return result ?? this.#late.get(name);
    });
  }

  /** Undefined if the cluster's last run has not finished. */
  #start({ name, run }: ClusterRun, { signal, seenAt }: Circumstances): Running | undefined {
    const since = Math.min(seenAt, this.#waiting.get(name) ?? seenAt);
    if (this.#running.has(name)) {
      this.#waiting.set(name, since);
      return undefined;
    }
    this.#waiting.delete(name);
    const stop = new AbortController();
    const finish = (result: PromiseSettledResult<ClusterOutcome>) => {
      this.#running.delete(name);
      this.#late.delete(name);
      if (!running.isLeft || signal.aborted) return result;
      if (!stop.signal.aborted) this.#late.set(name, result);
      this.#onLate();
      return result;
    };
    const result = run(AbortSignal.any([signal, stop.signal]), since).then(
      (value) => finish({ status: 'fulfilled', value }),
      (reason) => finish({ status: 'rejected', reason }),
    );
    const running: Running = { result, stop, isLeft: false };
    this.#running.set(name, running);
    return running;
  }
}
