import { expect, it } from 'vitest';
import { Sums } from '../../../../src/controller/traffic/sums.ts';
import { boundOf, bucketOf } from '../../../../src/model/time-buckets.ts';

const nothing = { classes: [0, 0, 0, 0, 0, 0], tls: [0, 0, 0, 0], sent: 0, received: 0 };

it('percentiles are at most a quarter too high, from 10 ms to a minute', () => {
  const times = Array.from({ length: 10_000 }, (_, index) => 10 + Math.round(((index * 7919) % 10_000) ** 1.15));
  const sums = new Sums();
  for (const ms of times) sums.add({ ...nothing, times: [bucketOf(ms), 1] });

  const sorted = times.toSorted((a, b) => a - b);
  for (const [index, share] of [0.5, 0.95, 0.99].entries()) {
    const exact = sorted[Math.ceil(sorted.length * share) - 1]!;
    const reported = boundOf(sums.percentiles![index]!);
    expect(reported / exact, `${share}`).toBeGreaterThanOrEqual(1);
    expect(reported / exact, `${share}`).toBeLessThanOrEqual(1.25);
  }
});

it('are unknown if no task answered', () => {
  const sums = new Sums();
  sums.add({ ...nothing, classes: [0, 0, 0, 0, 0, 1], times: [] });

  expect(sums.row).toMatchObject({ classes: [0, 0, 0, 0, 0, 1], times: null });
});

it('can be added and cleared', () => {
  const one = { ...nothing, classes: [0, 0, 1, 0, 0, 0], tls: [0, 0, 1, 0], sent: 5, received: 3, times: [7, 1] };
  const sums = new Sums();
  const others = new Sums();
  sums.add(one);
  others.add(one);
  sums.addSums(others);
  others.clear();

  expect(sums.row).toMatchObject({ classes: [0, 0, 2, 0, 0, 0], tls: [0, 0, 2, 0], sent: 10, received: 6 });
  expect(others.isEmpty).toBe(true);
  expect(others.row).toMatchObject({ ...nothing, times: null });
});
