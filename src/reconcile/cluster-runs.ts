import { sleep } from '../lib/sleep.ts';
import type { ClusterOutcome } from './reconcile-cluster.ts';

/** Most clusters are done by then. */
const GRACE_MS = 250;

export interface ClusterRun {
  readonly name: string;
  readonly run: (signal: AbortSignal, seenAt: number) => Promise<ClusterOutcome>;
}

interface Circumstances {
  readonly signal: AbortSignal;
  readonly seenAt: number;
  /** Resolves when there is a reason for another pass. */
  readonly triggered?: Promise<void> | undefined;
}

interface Running {
  readonly result: Promise<PromiseSettledResult<ClusterOutcome>>;
  readonly stop: AbortController;
  isLeft: boolean;
}

/** Undefined if the cluster is not done yet. */
export type RunResult = PromiseSettledResult<ClusterOutcome> | undefined;

/**
 * Runs clusters side by side, one run at a time for each. A pass ends without those that are slow when another pass is due: they go on, and
 * the next pass leaves them alone.
 */
export class ClusterRuns {
  readonly #onLate: () => void;
  readonly #running = new Map<string, Running>();
  /** Results of runs that no pass waited for, until there is a newer one. */
  readonly #late = new Map<string, PromiseSettledResult<ClusterOutcome>>();
  /** When the first event came for a cluster that was busy. */
  readonly #waiting = new Map<string, number>();

  constructor(onLate: () => void = () => undefined) {
    this.#onLate = onLate;
  }

  async run(runs: readonly ClusterRun[], circumstances: Circumstances): Promise<RunResult[]> {
    const names = new Set(runs.map(({ name }) => name));
    // A cluster that is gone, or switched off.
    for (const [name, { stop }] of this.#running) if (!names.has(name)) stop.abort();
    for (const name of this.#late.keys()) if (!names.has(name)) this.#late.delete(name);
    const results: RunResult[] = runs.map(() => undefined);
    const started = runs.map(async (run, position) => {
      const running = this.#start(run, circumstances);
      if (running) results[position] = await running.result;
    });
    const all = Promise.all(started);
    const { triggered, signal } = circumstances;
    // A single cluster keeps nobody waiting.
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

  /** Undefined if the last run of the cluster is under way. */
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
