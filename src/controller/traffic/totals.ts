import { STATUS_CLASSES, TLS_KINDS } from '../../model/traffic.ts';
import type { TrafficTotals } from '../admin/traffic.ts';
import type { Row } from './sums.ts';

/** A row and the start of its step, in seconds since the epoch. */
export type Timed = { readonly at: number; readonly row: Row };

/** Columns with a value for each step. */
export function stepsOf(rows: readonly Timed[], from: number, step: number, length: number) {
  const zeros = () => new Array<number>(length).fill(0);
  const nulls = () => new Array<number | null>(length).fill(null);
  const steps = {
    ...{
      requests: zeros(),
      other: zeros(),
      '1xx': zeros(),
      '2xx': zeros(),
      '3xx': zeros(),
      '4xx': zeros(),
      '5xx': zeros(),
    },
    ...{ sent: zeros(), received: zeros(), p50: nulls(), p95: nulls(), p99: nulls() },
  };
  for (const { at, row } of rows) {
    const position = (at - from) / step;
    if (position < 0 || position >= length) continue;
    for (const [kind, count] of row.classes.entries()) steps[STATUS_CLASSES[kind]!]![position]! += count;
    steps.requests[position]! += row.classes.reduce(plus);
    steps.sent[position]! += row.sent;
    steps.received[position]! += row.received;
    [steps.p50[position], steps.p95[position], steps.p99[position]] = row.times ?? [null, null, null];
  }
  return steps;
}

/** The sums of rows, over a range of this length. */
export function totalsOf(rows: readonly Timed[], seconds: number): TrafficTotals {
  const classes = new Array<number>(STATUS_CLASSES.length).fill(0);
  const tls = new Array<number>(TLS_KINDS.length).fill(0);
  let sent = 0;
  let received = 0;
  for (const { row } of rows) {
    for (const [position, count] of row.classes.entries()) classes[position]! += count;
    for (const [position, count] of row.tls.entries()) tls[position]! += count;
    sent += row.sent;
    received += row.received;
  }
  const requests = classes.reduce(plus);
  return {
    requests,
    classes: byName(STATUS_CLASSES, classes),
    perSecond: requests / seconds,
    ...percentilesOf(rows),
    sent,
    received,
    tls: byName(TLS_KINDS, tls),
  };
}

const plus = (a: number, b: number) => a + b;

function byName<Name extends string>(names: readonly Name[], values: readonly number[]): Record<Name, number> {
  return Object.fromEntries(names.map((name, position) => [name, values[position]!])) as Record<Name, number>;
}

/** The share of a step's requests that each of its percentiles stands for. */
const SHARES = [0.5, 0.45, 0.05] as const;

/** Percentiles of several steps, estimated from those of each step. Exact for a single step. */
function percentilesOf(rows: readonly Timed[]) {
  const times = rows
    .flatMap(({ row }) => {
      const weight = row.classes.reduce(plus);
      return (row.times ?? []).map((ms, position) => ({ ms, weight: weight * SHARES[position]! }));
    })
    .toSorted((a, b) => a.ms - b.ms);
  const total = times.reduce((sum, { weight }) => sum + weight, 0);
  const at = (share: number) => {
    let rest = total * share - 1e-9;
    return (
      times.find(({ weight }) => {
        rest -= weight;
        return rest <= 0;
      })?.ms ?? null
    );
  };
  return { p50: at(0.5), p95: at(0.95), p99: at(0.99) };
}
