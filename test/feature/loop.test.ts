// When passes run: one at a time, soon after an event, and no more often than needed.

import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ConflictError } from '../../src/controller/ports.ts';
import { ReconcileLoop } from '../../src/controller/reconcile/loop.ts';
import { StatusBoard } from '../../src/controller/reconcile/status.ts';
import { RetryableError } from '../../src/lib/retryable.ts';
import { type LogLine, sink } from '../support/controller-world.ts';

const HOLDOFF_MS = 30;
const MAX_HOLDOFF_MS = 500;
const ROLLING_MS = 1000;
const silent = pino({ level: 'silent' });

/** A loop whose passes do what the test says, and take as long. */
class LoopWorld {
  readonly logs: LogLine[] = [];
  readonly status = new StatusBoard(silent);
  /** When passes started, in milliseconds since the start. */
  readonly begun: number[] = [];
  readonly loop: ReconcileLoop;
  readonly #stop = new AbortController();
  readonly #start = performance.now();
  pass: () => Promise<{ rolling: boolean }> = async () => ({ rolling: false });

  constructor() {
    this.loop = new ReconcileLoop({
      pass: () => {
        this.begun.push(Math.round(performance.now() - this.#start));
        return this.pass();
      },
      status: this.status,
      logger: pino({ level: 'info' }, sink(this.logs)),
      holdoffMs: HOLDOFF_MS,
      maxHoldoffMs: MAX_HOLDOFF_MS,
      now: Date.now,
      rollingMs: ROLLING_MS,
    });
  }

  run(): Promise<void> {
    return this.loop.run(this.#stop.signal);
  }

  /** Until the first pass. */
  async start(): Promise<void> {
    void this.run();
    await vi.advanceTimersByTimeAsync(HOLDOFF_MS);
  }

  stop(): void {
    this.#stop.abort();
  }
}

describe('the loop', () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it('reports a long pass as trouble, while it lasts', async () => {
    const world = new LoopWorld();
    const { promise, resolve } = Promise.withResolvers<{ rolling: boolean }>();
    world.pass = () => promise;
    await world.start();

    await vi.advanceTimersByTimeAsync(7000);
    expect(world.status.error).toBeUndefined();
    await vi.advanceTimersByTimeAsync(2000);
    expect(world.status.error).toContain('takes longer than');

    resolve({ rolling: false });
    await vi.advanceTimersByTimeAsync(1);
    expect(world.status.error).toBeUndefined();
    world.stop();
  });

  it('reports a conflict as trouble only if it persists: with several controllers, all but one get a conflict at every change', async () => {
    const world = new LoopWorld();
    world.pass = () => Promise.reject(new ConflictError('somebody was quicker'));
    await world.start();

    expect(world.status.passes.failed).toBe(1);
    expect(world.status.error).toBeUndefined();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(world.status.error).toBe('somebody was quicker');
    world.stop();
  });

  it('runs a pass at the start, and then after each event', async () => {
    const world = new LoopWorld();

    await world.start();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(world.begun).toEqual([30]);

    world.loop.trigger();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(world.begun).toEqual([30, 60_060]);
  });

  it('is idle when nothing is to be done and nothing is in progress', async () => {
    const world = new LoopWorld();
    const atRest = () => world.loop.isAtRest;
    let isRolling = false;
    world.pass = async () => {
      await new Promise((resolve) => setTimeout(resolve, 100));
      return { rolling: isRolling };
    };

    await world.start();
    expect(atRest()).toBe(false);
    await vi.advanceTimersByTimeAsync(100);
    expect(atRest()).toBe(true);

    isRolling = true;
    world.loop.trigger();
    expect(atRest()).toBe(false);
    await vi.advanceTimersByTimeAsync(HOLDOFF_MS + 100);
    expect(atRest()).toBe(false);

    isRolling = false;
    await vi.advanceTimersByTimeAsync(ROLLING_MS + HOLDOFF_MS + 50);
    world.loop.trigger();
    await vi.advanceTimersByTimeAsync(50);
    expect(atRest()).toBe(false);
    await vi.advanceTimersByTimeAsync(HOLDOFF_MS + 100);
    expect(atRest()).toBe(true);

    world.pass = async () => {
      throw new RetryableError('connect ECONNREFUSED');
    };
    world.loop.trigger();
    await vi.advanceTimersByTimeAsync(HOLDOFF_MS);
    expect(atRest()).toBe(false);
    world.stop();
  });

  it('combines a burst of triggers into one pass', async () => {
    const world = new LoopWorld();
    await world.start();

    for (let times = 0; times < 10; times++) {
      world.loop.trigger();
      await vi.advanceTimersByTimeAsync(20);
    }
    await vi.advanceTimersByTimeAsync(60_000);

    expect(world.begun).toHaveLength(2);
  });

  it('is not starved by a stream of triggers', async () => {
    const world = new LoopWorld();
    await world.start();

    for (let times = 0; times < 100; times++) {
      world.loop.trigger();
      await vi.advanceTimersByTimeAsync(20);
    }

    const gaps = world.begun.slice(1).map((at, position) => at - world.begun[position]!);
    expect(gaps.length).toBeGreaterThanOrEqual(3);
    expect(Math.max(...gaps)).toBeLessThanOrEqual(MAX_HOLDOFF_MS + 20);
  });

  it('runs one pass at a time, and another for events that arrive meanwhile', async () => {
    const world = new LoopWorld();
    const { promise, resolve } = Promise.withResolvers<{ rolling: boolean }>();
    world.pass = () => promise;
    await world.start();

    for (let times = 0; times < 5; times++) {
      world.loop.trigger();
      await vi.advanceTimersByTimeAsync(1000);
    }
    expect(world.begun).toHaveLength(1);

    resolve({ rolling: false });
    await vi.advanceTimersByTimeAsync(60_000);
    expect(world.begun).toHaveLength(2);
  });

  it('runs passes without a trigger while a roll-out is in progress', async () => {
    const world = new LoopWorld();
    world.pass = async () => ({ rolling: world.begun.length < 4 });

    await world.start();
    await vi.advanceTimersByTimeAsync(60_000);

    expect(world.begun).toEqual([30, 1060, 2090, 3120]);
  });

  it('retries a failure at increasing intervals, and logs it once', async () => {
    const world = new LoopWorld();
    world.pass = () => Promise.reject(new RetryableError('away'));

    await world.start();
    await vi.advanceTimersByTimeAsync(60_000);

    expect(world.begun.slice(0, 5)).toEqual([30, 310, 840, 1870, 3900]);
    expect(world.begun.length).toBeLessThan(12);
    expect(world.status.error).toBe('away');
    expect(world.logs).toEqual([expect.objectContaining({ level: 50, msg: 'Pass failed', reason: 'away' })]);

    world.pass = async () => ({ rolling: false });
    world.loop.trigger();
    await vi.advanceTimersByTimeAsync(HOLDOFF_MS);
    expect(world.status.error).toBeUndefined();
    expect(world.logs.slice(1)).toEqual([expect.objectContaining({ level: 30, msg: 'Recovered' })]);
  });

  it('does not log conflicts with another controller unless they persist', async () => {
    const world = new LoopWorld();
    const conflict = () => Promise.reject(new ConflictError('somebody was quicker'));
    world.pass = conflict;

    await world.start();
    world.pass = async () => ({ rolling: false });
    await vi.advanceTimersByTimeAsync(60_000);
    expect(world.logs).toEqual([]);

    world.pass = conflict;
    world.loop.trigger();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(world.logs).toEqual([expect.objectContaining({ level: 50, reason: 'somebody was quicker' })]);
  });

  it('ends on an internal error, so that the process restarts', async () => {
    const world = new LoopWorld();
    world.pass = () => Promise.reject(new TypeError('undefined is not a function'));

    const ended = expect(world.loop.run(new AbortController().signal)).rejects.toThrow(TypeError);
    await vi.advanceTimersByTimeAsync(HOLDOFF_MS);

    await ended;
  });

  it.each([
    { moment: 'while it waits', stopAfterMs: 1000, passes: 1 },
    { moment: 'while it collects triggers', stopAfterMs: 10, passes: 0 },
  ])('stops immediately $moment', async ({ stopAfterMs, passes }) => {
    const world = new LoopWorld();
    const running = world.run();
    await vi.advanceTimersByTimeAsync(stopAfterMs);

    world.stop();
    await running;

    expect(world.begun).toHaveLength(passes);
  });

  it('finishes the current pass before it stops', async () => {
    const world = new LoopWorld();
    const { promise, resolve } = Promise.withResolvers<{ rolling: boolean }>();
    world.pass = () => promise;
    const ended = vi.fn();
    const running = world.run().then(ended);
    await vi.advanceTimersByTimeAsync(HOLDOFF_MS);

    world.stop();
    await vi.advanceTimersByTimeAsync(1000);
    expect(ended).not.toHaveBeenCalled();

    resolve({ rolling: false });
    await running;
    expect(world.begun).toHaveLength(1);
  });
});
