import fc from 'fast-check';
import { expect, it } from 'vitest';
import { MOST_ROW_BYTES, RowReader, writeRow } from '../../../../src/controller/traffic/row-codec.ts';
import { Sums } from '../../../../src/controller/traffic/sums.ts';
import { boundOf, TIME_BUCKETS } from '../../../../src/model/time-buckets.ts';

interface Counted {
  readonly classes: readonly number[];
  readonly tls: readonly number[];
  readonly times: readonly (readonly [bucket: number, count: number])[];
  readonly sent: number;
  readonly received: number;
}

function sumsOf({ times, ...counted }: Counted): Sums {
  const sums = new Sums();
  sums.add({ ...counted, times: times.flat() });
  return sums;
}

const count = fc.oneof(fc.constant(0), fc.nat(200), fc.nat(2 ** 29));
const counted = fc
  .record({
    classes: fc.array(count, { minLength: 6, maxLength: 6 }),
    shares: fc.array(fc.nat(3), { minLength: 4, maxLength: 4 }),
    times: fc.array(fc.tuple(fc.nat(TIME_BUCKETS - 1), fc.integer({ min: 1, max: 1000 }))),
    sent: fc.nat(2 ** 40),
    received: fc.nat(2 ** 40),
  })
  .map(({ classes, shares, ...rest }) => ({ ...rest, classes, tls: tlsOf(classes, shares) }));

/** TLS kinds that add up to the requests, as agents report them. */
function tlsOf(classes: readonly number[], shares: readonly number[]): number[] {
  const total = classes.reduce((sum, value) => sum + value, 0);
  const first = shares.findIndex((share) => share > 0);
  const others = shares.map((share, kind) =>
    kind === Math.max(0, first) ? 0 : Math.min(share, Math.floor(total / 4)),
  );
  const rest = total - others.reduce((sum, value) => sum + value, 0);
  return others.map((value, kind) => (kind === Math.max(0, first) ? rest : value));
}

it('returns rows as they were written: counts exactly, bytes to 0.4 %', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(100_000), counted), { minLength: 1, maxLength: 20 }), (rows) => {
      const bytes = new Uint8Array(rows.length * MOST_ROW_BYTES);
      let end = 0;
      for (const [gap, row] of rows) end = writeRow(bytes, end, gap, sumsOf(row));

      const reader = new RowReader(bytes);
      for (const [gap, row] of rows) {
        const before = reader.at;
        const read = reader.next();
        expect(reader.at - before).toBeLessThanOrEqual(MOST_ROW_BYTES);
        expect(read.gap).toBe(gap);
        expect(read.row.classes).toEqual(row.classes);
        expect(read.row.tls).toEqual(row.tls);
        expect(Math.abs(read.row.sent - row.sent)).toBeLessThanOrEqual(Math.max(1, row.sent * 0.004));
        expect(Math.abs(read.row.received - row.received)).toBeLessThanOrEqual(Math.max(1, row.received * 0.004));
        expect(read.row.times === null).toBe(row.times.length === 0);
      }
      expect(reader.at).toBe(end);
    }),
  );
});

it('keeps percentiles, also those that are the same', () => {
  const bytes = new Uint8Array(2 * MOST_ROW_BYTES);
  const row = { classes: [0, 0, 100, 0, 0, 0], tls: [0, 0, 100, 0], sent: 1, received: 1 };
  const spread = [
    [3, 60],
    [10, 36],
    [20, 4],
  ] as const;
  const end = writeRow(bytes, 0, 0, sumsOf({ ...row, times: spread }));
  writeRow(bytes, end, 0, sumsOf({ ...row, times: [[7, 100]] }));

  const reader = new RowReader(bytes);
  expect(reader.next().row.times).toEqual([boundOf(3), boundOf(10), boundOf(20)]);
  expect(reader.next().row.times).toEqual([boundOf(7), boundOf(7), boundOf(7)]);
});

it('needs few bytes for the row of an ordinary step', () => {
  const row = { classes: [0, 0, 90, 0, 0, 0], tls: [0, 0, 90, 0], sent: 500_000, received: 30_000 };
  const times = [
    [3, 60],
    [10, 30],
  ] as const;

  expect(writeRow(new Uint8Array(MOST_ROW_BYTES), 0, 0, sumsOf({ ...row, times }))).toBeLessThanOrEqual(7);
});
