/** Geometry and texts of charts, without the browser. */

/** `null` where there is no value. */
export type Values = readonly (number | null)[];

/** Round steps for an axis from 0 to at least `top`, three to five of them. */
export function ticksTo(top: number): number[] {
  const rough = Math.max(top, 1e-9) / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map((factor) => factor * power).find((size) => size >= rough - 1e-12)!;
  const count = Math.max(1, Math.ceil(top / step - 1e-9));
  return Array.from({ length: count + 1 }, (_, index) => Number((index * step).toPrecision(12)));
}

/** Each list lies on the ones before it. */
export function stacked(lists: readonly Values[]): number[][] {
  const sums: number[] = [];
  return lists.map((values) =>
    values.map((value, index) => {
      sums[index] = (sums[index] ?? 0) + (value ?? 0);
      return sums[index];
    }),
  );
}

export interface Scale {
  readonly x: (index: number) => number;
  readonly y: (value: number) => number;
}

/** The path of a line, interrupted where values are missing. A value between two missing ones is a point. */
export function linePath(values: Values, { x, y }: Scale): string {
  let text = '';
  for (const [index, value] of values.entries()) {
    if (value === null) continue;
    const isStart = index === 0 || values[index - 1] === null;
    text += `${isStart ? 'M' : 'L'}${round(x(index))} ${round(y(value))}`;
    if (isStart && (values[index + 1] ?? null) === null) text += 'h0.1';
  }
  return text;
}

/** The path of an area between two lines. */
export function areaPath(top: readonly number[], bottom: readonly number[], { x, y }: Scale): string {
  const point = (values: readonly number[]) => (_: number, index: number) =>
    `${round(x(index))} ${round(y(values[index]!))}`;
  const there = top.map(point(top));
  const back = top.map(point(bottom)).toReversed();
  return `M${[...there, ...back].join('L')}Z`;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

/** Times in seconds for the marks of an axis: full hours, minutes or parts of them, about `most`. */
export function timeTicks(from: number, to: number, most: number): number[] {
  const steps = [15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200];
  const step = steps.find((size) => (to - from) / size <= most) ?? 86_400;
  const first = Math.ceil(from / step) * step;
  return Array.from({ length: Math.floor((to - first) / step) + 1 }, (_, index) => first + index * step);
}

/** `1.2k`, `3M`: short, for an axis or a table. */
export function short(value: number): string {
  if (value >= 1e9) return `${digits(value / 1e9)}G`;
  if (value >= 1e6) return `${digits(value / 1e6)}M`;
  if (value >= 1000) return `${digits(value / 1000)}k`;
  return digits(value);
}

function digits(value: number): string {
  if (value >= 100) return value.toFixed(0);
  return String(Number(value.toFixed(value >= 10 ? 1 : 2)));
}

export const perSecond = (value: number): string => `${short(value)}/s`;

/** `2.5 MB/s` */
export const bytesPerSecond = (value: number): string => `${bytes(value)}/s`;

/** `2.5 MB` */
export function bytes(value: number): string {
  const text = short(value);
  return /\D$/.test(text) ? `${text.slice(0, -1)} ${text.at(-1)}B` : `${text} B`;
}

/** `12 ms`, `1.5 s` */
export function milliseconds(value: number): string {
  return value < 1000 ? `${value} ms` : `${digits(value / 1000)} s`;
}

/** `14:05`, with seconds if there are some. In UTC. */
export function clock(seconds: number): string {
  const time = new Date(seconds * 1000).toISOString().slice(11, 19);
  return time.endsWith(':00') ? time.slice(0, 5) : time;
}
