import type { Prepared } from '../bed/prepare.ts';

/** One kind of benchmark: prints its table and resolves with the raw figures. */
export type Part = (prepared: Prepared) => Promise<unknown>;

export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

/** Numbers of services to measure. `SIZES=1,1000` sets others. */
export function sizes(usual: readonly number[]): readonly number[] {
  return process.env.SIZES === undefined ? usual : process.env.SIZES.split(',').map(Number);
}

/** The percentile: the smallest value that this many of a hundred do not exceed. */
export function percentile(values: readonly number[], percent: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil((values.length * percent) / 100) - 1)] ?? Number.NaN;
}

/** A table for people. The first row is its header. */
export function table([head = [], ...rows]: readonly (readonly string[])[]): string {
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}
