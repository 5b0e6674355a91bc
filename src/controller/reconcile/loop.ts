import { backoffMs } from '../../lib/backoff.ts';
import type { Logger } from '../../lib/logger.ts';
import { retryOf } from '../../lib/retryable.ts';
import { ConflictError } from '../ports.ts';
import type { Pass } from './reconciler.ts';
import type { StatusBoard } from './status.ts';

/** After this many failed passes in a row, a conflict is reported as an error. */
const LASTING_CONFLICTS = 5;

/** A pass that takes longer is reported. */
const SLOW_MS = 8000;

export interface LoopOptions {
  readonly pass: Pass;
  readonly status: StatusBoard;
  readonly logger: Logger;
  /** Waits for this time without triggers after the first of a burst … */
  readonly holdoffMs: number;
  /** … but at most this long, so that a stream of events cannot block the loop. */
  readonly maxHoldoffMs: number;
  /** Interval during a roll-out: Swarm has no events for tasks. */
  readonly rollingMs: number;
  readonly now: () => number;
}

/**
 * Runs passes, one at a time. A trigger only means that something may have changed; triggers during a pass are merged into the next one. A failed
 * pass changes nothing and is retried with back-off.
 */
export class ReconcileLoop {
  readonly #options: LoopOptions;
  #wake: (() => void) | undefined;
  #triggered = true;
  /** The time of the first trigger that no pass has handled. */
  #seenAt: number | undefined;
  #failures = 0;
  /** Resolves with the next trigger. */
  #next = Promise.withResolvers<void>();
  #isAtRest = false;
  /** The current error, already logged. */
  #trouble: string | undefined;

  constructor(options: LoopOptions) {
    this.#options = options;
  }

  /** Nothing has changed, and nothing is in progress that has to be checked again. */
  get isAtRest(): boolean {
    return this.#isAtRest;
  }

  trigger(): void {
    this.#triggered = true;
    this.#isAtRest = false;
    this.#seenAt ??= this.#options.now();
    this.#wake?.();
    this.#next.resolve();
  }

  /** Resolves when the signal aborts and the current pass is finished. */
  async run(signal: AbortSignal): Promise<void> {
    signal.addEventListener('abort', () => this.#wake?.(), { once: true });
    let nextMs: number | undefined;
    while (!signal.aborted) {
      if (!this.#triggered) await this.#wait(nextMs);
      if (signal.aborted) return;
      await this.#holdOff(signal);
      if (signal.aborted) return;
      this.#triggered = false;
      nextMs = await this.#attempt(signal);
      this.#isAtRest = nextMs === undefined && !this.#triggered;
    }
  }

  /** Runs one pass. Resolves to the delay until the next pass without a trigger. */
  async #attempt(signal: AbortSignal): Promise<number | undefined> {
    const { pass, status, logger, rollingMs, now } = this.#options;
    const seenAt = this.#seenAt ?? now();
    this.#seenAt = undefined;
    this.#next = Promise.withResolvers();
    const slow = setTimeout(() => {
      status.delay = `The current change takes longer than ${SLOW_MS / 1000} s: the Docker Engine, a node or an extension may not respond`;
    }, SLOW_MS);
    try {
      const { rolling } = await pass(signal, seenAt, this.#next.promise);
      if (this.#trouble !== undefined) logger.info({ failures: this.#failures }, 'Recovered');
      this.#trouble = undefined;
      this.#failures = 0;
      status.error = undefined;
      return rolling ? rollingMs : undefined;
    } catch (error) {
      if (signal.aborted) return undefined;
      // The changes still have to be applied.
      this.#seenAt = seenAt;
      if (retryOf(error) === undefined) throw error;
      this.#fail(error as Error);
      return backoffMs(this.#failures, 250, 15_000);
    } finally {
      clearTimeout(slow);
      status.delay = undefined;
    }
  }

  #fail(error: Error): void {
    const { status, logger } = this.#options;
    const { message } = error;
    this.#failures += 1;
    // A conflict with another writer is not an error unless it persists: a name may be taken permanently.
    if (error instanceof ConflictError && this.#failures < LASTING_CONFLICTS) {
      status.countConflict();
      return;
    }
    // A repeated error is logged once, not for each attempt.
    if (this.#trouble !== message) logger.error({ reason: message, failures: this.#failures }, 'Pass failed');
    this.#trouble = message;
    status.error = message;
  }

  /** Waits for a trigger, at most `ms` if it is set. */
  async #wait(ms: number | undefined): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#wake = resolve;
    const timer = ms === undefined ? undefined : setTimeout(resolve, ms);
    await promise;
    clearTimeout(timer);
    this.#wake = undefined;
  }

  async #holdOff(signal: AbortSignal): Promise<void> {
    const { holdoffMs, maxHoldoffMs } = this.#options;
    const deadline = performance.now() + maxHoldoffMs;
    do {
      this.#triggered = false;
      await this.#wait(Math.min(holdoffMs, Math.max(0, deadline - performance.now())));
    } while (this.#triggered && !signal.aborted && performance.now() < deadline);
  }
}
