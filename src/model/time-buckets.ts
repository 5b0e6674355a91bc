/**
 * Upper bounds in milliseconds of the histograms that proxies report: about ten in each power of ten, so that a percentile is at most a fifth too
 * high. They include all bounds of the Prometheus histogram. Changes require a new message format: peers compare positions.
 */
export const TIME_BOUNDS = [
  1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 15, 18, 20, 25, 30, 35, 40, 50, 60, 70, 80, 100, 120, 150, 180, 200, 250, 300, 350,
  400, 500, 600, 700, 800, 1000, 1200, 1500, 1800, 2000, 2500, 3000, 3500, 4000, 5000, 6000, 7000, 8000, 10_000, 12_000,
  15_000, 18_000, 20_000, 25_000, 30_000, 35_000, 40_000, 50_000, 60_000, 120_000, 300_000, 600_000, 3_600_000,
] as const;

/** The last one has no bound. */
export const TIME_BUCKETS = TIME_BOUNDS.length + 1;

/** Up to this time, the bucket is looked up in a table: the agent's code is interpreted, and runs for each request. */
const TABLE_MS = 60_000;
const table = new Uint8Array(TABLE_MS + 1);
for (let ms = 0, bucket = 0; ms <= TABLE_MS; ms += 1) {
  if (ms > TIME_BOUNDS[bucket]!) bucket += 1;
  table[ms] = bucket;
}

/** The position of the bucket for a whole number of milliseconds. */
export function bucketOf(ms: number): number {
  if (ms <= TABLE_MS) return table[ms]!;
  const bucket = TIME_BOUNDS.findIndex((bound) => ms <= bound);
  return bucket === -1 ? TIME_BUCKETS - 1 : bucket;
}

/** The bound of a bucket in milliseconds; for the last one, the highest bound. */
export function boundOf(bucket: number): number {
  return TIME_BOUNDS[Math.min(bucket, TIME_BOUNDS.length - 1)]!;
}
