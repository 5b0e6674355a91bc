import { setTimeout as sleep } from 'node:timers/promises';
import { vi } from 'vitest';

interface EventuallyOptions {
  readonly timeoutMs?: number;
  readonly intervalMs?: number;
}

/** Retries an assertion until it holds. After the time-out, fails with the last error. */
export function eventually<T>(
  assertion: () => T | Promise<T>,
  { timeoutMs = 60_000, intervalMs = 200 }: EventuallyOptions = {},
): Promise<T> {
  return vi.waitFor(async () => await assertion(), { timeout: timeoutMs, interval: intervalMs });
}

/** For what must not happen: the assertion holds at every check for this long. */
export async function throughout(ms: number, assertion: () => void | Promise<void>): Promise<void> {
  const deadline = performance.now() + ms;
  while (performance.now() < deadline) {
    await assertion();
    await sleep(500);
  }
}
