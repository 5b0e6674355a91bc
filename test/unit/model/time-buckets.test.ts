import { expect, it } from 'vitest';
import { boundOf, bucketOf, quantileBucket, TIME_BOUNDS, TIME_BUCKETS } from '../../../src/model/time-buckets.ts';
import { UPSTREAM_BUCKETS } from '../../../src/proxy/metrics/request-counts.ts';

it('counts each time below its bound, and above the bound before', () => {
  for (const ms of [0, 1, 2, 11, 12, 13, 999, 1000, 1001, 59_999, 60_000, 60_001, 300_000, 3_600_001]) {
    const bucket = bucketOf(ms);
    expect(ms, `${ms} ms`).toBeLessThanOrEqual(TIME_BOUNDS[bucket] ?? Number.POSITIVE_INFINITY);
    expect(ms, `${ms} ms`).toBeGreaterThan(TIME_BOUNDS[bucket - 1] ?? -1);
  }
});

it('has the bounds of the Prometheus histogram, and fits into six bits', () => {
  expect(TIME_BOUNDS).toEqual(expect.arrayContaining(UPSTREAM_BUCKETS.map((seconds) => seconds * 1000)));
  expect(TIME_BUCKETS).toBeLessThanOrEqual(64);
});

it('reports percentiles that are at most a quarter too high, from 10 ms to a minute', () => {
  const times = Array.from({ length: 10_000 }, (_, index) => 10 + Math.round(((index * 7919) % 10_000) ** 1.15));
  const counts = new Uint32Array(TIME_BUCKETS);
  for (const ms of times) counts[bucketOf(ms)]! += 1;

  const sorted = times.toSorted((a, b) => a - b);
  for (const share of [0.5, 0.95, 0.99]) {
    const exact = sorted[Math.ceil(sorted.length * share) - 1]!;
    const reported = boundOf(quantileBucket(counts, share)!);
    expect(reported / exact, `${share}`).toBeGreaterThanOrEqual(1);
    expect(reported / exact, `${share}`).toBeLessThanOrEqual(1.25);
  }
});

it('knows no percentile without counts', () => {
  expect(quantileBucket(new Uint32Array(TIME_BUCKETS), 0.5)).toBeUndefined();
});
