import type { Prepared } from '../bed/prepare.ts';

/** One kind of measurement: prints its table and resolves with the raw figures. */
export type Part = (prepared: Prepared) => Promise<unknown>;

export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}
