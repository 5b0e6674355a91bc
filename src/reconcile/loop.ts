import { backoffMs } from '../lib/backoff.ts';
import { isBug } from '../lib/is-bug.ts';
import type { Logger } from '../lib/logger.ts';
import { ConflictError } from './ports.ts';
import type { Pass } from './reconciler.ts';
import type { StatusBoard } from './status.ts';

/** Passes in a row after which a conflict is more than bad luck. */
const LASTING_CONFLICTS = 5;

/** A pass that takes longer is shown as trouble. */
const SLOW_MS = 8000;

export interface LoopOptions {
  readonly pass: Pass;
  readonly status: StatusBoard;
  readonly logger: Logger;
  /** Waits for quiet after the first of a burst of triggers … */
  readonly holdoffMs: number;
  /** … but never longer than this, so that a stream of events cannot starve the loop. */
  readonly maxHoldoffMs: number;
  /** While a roll-out is under way: Swarm has no events for tasks. */
  readonly rollingMs: number;
  readonly now: () => number;
}

/**
 * Runs passes, one at a time. Triggers say "look again" and nothing more; those that arrive during a pass are folded into the
 * next one. A pass that fails changes nothing and is retried with back-off.
 */
export class ReconcileLoop {
  readonly #options: LoopOptions;
  #wake: (() => void) | undefined;
  #triggered = true;
  /** When the first of the triggers came that no pass has dealt with. */
  #seenAt: number | undefined;
  #failures = 0;
  /** Resolves with the next trigger. */
  #next = Promise.withResolvers<void>();
  #isAtRest = false;
  /** Trouble that was logged and lasts. */
  #trouble: string | undefined;

  constructor(options: LoopOptions) {
    this.#options = options;
  }

  /** There is nothing to be done, and nothing under way that has to be looked at again. */
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

  /** Resolves when the signal aborts; a pass under way is finished first. */
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

  /** One pass; resolves to the delay after which to look again unasked. */
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
      // What it was about is still to be done.
      this.#seenAt = seenAt;
      if (isBug(error)) throw error;
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
    // That somebody else wrote first is no trouble, unless it never ends: a name may be taken for good.
    if (error instanceof ConflictError && this.#failures < LASTING_CONFLICTS) {
      status.countConflict();
      return;
    }
    // The same trouble again and again is one line, not one for each try.
    if (this.#trouble !== message) logger.error({ reason: message, failures: this.#failures }, 'Pass failed');
    this.#trouble = message;
    status.error = message;
  }

  /** Waits for a trigger; with `ms`, no longer than that. */
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
