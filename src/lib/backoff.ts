/** Delay before the n-th retry (from 1): doubles from `firstMs` up to `maxMs`. */
export function backoffMs(attempt: number, firstMs = 250, maxMs = 30_000): number {
  return Math.min(maxMs, firstMs * 2 ** Math.min(attempt - 1, 20));
}
