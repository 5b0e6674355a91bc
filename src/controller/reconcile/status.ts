import type { Logger } from '../../lib/logger.ts';
import type { Backends } from '../../model/backends/backends.ts';
import type { DesiredState } from '../../model/desired-state.ts';
import { type Problem, problemKey, shortened } from '../../model/problem.ts';
import type { Snapshot } from '../../model/snapshot.ts';
import type { ClusterOutcome } from './reconcile-cluster.ts';

/** The result of the last pass. */
export interface Status {
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly snapshot: Snapshot;
  readonly desired: DesiredState;
  readonly outcomes: readonly ClusterOutcome[];
  readonly problems: readonly Problem[];
  /** Since when each problem has existed without interruption, by `problemKey`, in milliseconds since the epoch. A new controller starts again. */
  readonly since: ReadonlyMap<string, number>;
  /** The tasks of routed services. */
  readonly backends: Backends;
}

/** Stores the last status, and logs each problem once when it appears and once when it disappears. */
export class StatusBoard {
  readonly #logger: Logger;
  #current: Status | undefined;
  #error: string | undefined;
  #delay: string | undefined;
  readonly #passes = { succeeded: 0, failed: 0 };
  #reported = new Map<string, Problem>();
  readonly #listeners = new Set<() => void>();

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  get current(): Status | undefined {
    return this.#current;
  }

  /** Passes since the start, by result. */
  get passes(): Readonly<Record<'succeeded' | 'failed', number>> {
    return this.#passes;
  }

  /** The error that makes passes fail; undefined once one succeeds. */
  get error(): string | undefined {
    return this.#error ?? this.#delay;
  }

  /** What a slow pass is waiting for. */
  set delay(message: string | undefined) {
    if (this.#delay === message) return;
    this.#delay = message;
    this.#announce();
  }

  /** Records the end of a pass, with or without an error. */
  set error(message: string | undefined) {
    this.#passes[message === undefined ? 'succeeded' : 'failed'] += 1;
    if (this.#error === message) return;
    this.#error = message;
    this.#announce();
  }

  /** Counts a pass that ended because of a conflict. The next pass sees the other writer's change, so there is no error to show. */
  countConflict(): void {
    this.#passes.failed += 1;
  }

  record(status: Omit<Status, 'since'>): void {
    const problems = new Map(status.problems.map((problem) => [problemKey(problem), problem]));
    const before = this.#current?.since;
    const since = new Map([...problems.keys()].map((key) => [key, before?.get(key) ?? status.at]));
    this.#current = { ...status, since };
    for (const [key, problem] of problems) {
      if (!this.#reported.has(key)) this.#logger.warn(shortened(problem), 'Problem appeared');
    }
    for (const [key, problem] of this.#reported) {
      if (!problems.has(key)) this.#logger.info(shortened(problem), 'Problem resolved');
    }
    this.#reported = problems;
    this.#announce();
  }

  /** Calls back on each change. Returns a function that unsubscribes. */
  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #announce(): void {
    for (const listener of this.#listeners) listener();
  }
}
