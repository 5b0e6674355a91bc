import { setTimeout } from 'node:timers/promises';

/** The longest delay that a timer supports. */
export const FOREVER_MS = 2 ** 31 - 1;

/** Resolves after `ms`, or at once when the signal aborts; never rejects. */
export async function sleep(ms: number, signal: AbortSignal): Promise<void> {
  await setTimeout(ms, undefined, { signal }).catch(() => undefined);
}
