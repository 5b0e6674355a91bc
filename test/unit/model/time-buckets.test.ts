import { expect, it } from 'vitest';
import { bucketOf, TIME_BOUNDS, TIME_BUCKETS } from '../../../src/model/time-buckets.ts';
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
