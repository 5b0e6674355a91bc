import type { Prepared } from '../bed/prepare.ts';

/** One kind of measurement: prints its table and resolves with the raw figures. */
export type Part = (prepared: Prepared) => Promise<unknown>;

export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

/** Numbers of services to measure with; `SIZES=1,1000` chooses others. */
export function sizes(usual: readonly number[]): readonly number[] {
  return process.env.SIZES === undefined ? usual : process.env.SIZES.split(',').map(Number);
}

/** The least value that so many of a hundred do not exceed. */
export function percentile(values: readonly number[], percent: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil((values.length * percent) / 100) - 1)] ?? Number.NaN;
}

/** A table for people; the first row is its head. */
export function table([head = [], ...rows]: readonly (readonly string[])[]): string {
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}
