import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import {
  OTHER_HOSTS,
  RequestCounts,
  shownHost,
  UPSTREAM_BUCKETS,
} from '../../../../src/proxy/metrics/request-counts.ts';

function countsOf(...lines: string[]): RequestCounts {
  const counts = new RequestCounts();
  counts.take(lines.map((line) => `${line}\n`).join(''));
  return counts;
}

const requestsOf = (counts: RequestCounts) =>
  [...counts.requests()].map((one) => `${one.host} ${one.class} ${one.count}`);

function heapUsed(): number {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  return process.memoryUsage().heapUsed;
}

describe('requests', () => {
  it('are counted by host and status class', () => {
    const counts = countsOf('a.org 200 0.001', 'a.org 204 0.001', 'a.org 503 ', '_ 404 ', '~^a+$ 301 ', ' 200 ');

    expect(requestsOf(counts)).toEqual(['a.org 2xx 2', 'a.org 5xx 1', '_ 4xx 1', '~^a+$ 3xx 1', ' 2xx 1']);
    expect(counts.lost).toBe(0);
  });

  it('that no service has answered do not count for the time of services', () => {
    const counts = countsOf('a.org 502 - : 0.003', 'a.org 504 5.001 : 0.001', 'a.org 200 - : 0.020');

    expect(requestsOf(counts)).toEqual(['a.org 2xx 1', 'a.org 5xx 2']);
    expect(counts.upstream.sum).toBeCloseTo(0.02);
  });

  it('with an invalid HTTP status count as other', () => {
    expect(requestsOf(countsOf('a.org 000 ', 'a.org 009 ', 'a.org 999 '))).toEqual(['a.org other 3']);
  });

  it('in malformed lines are dropped, not guessed', () => {
    const counts = countsOf('', 'a.org', 'a.org 200', 'a.org 20 0.1', 'a.org 2000 0.1', 'a.org 200 0.1');

    expect(requestsOf(counts)).toEqual(['a.org 2xx 1']);
    expect(counts.lost).toBe(5);
  });

  it('of more hosts than can exist are counted together', () => {
    const counts = countsOf(...Array.from({ length: 20_100 }, (_, number) => `${number}.org 200 `));

    const requests = [...counts.requests()];
    expect(requests.length).toBeLessThanOrEqual(20_001);
    expect(requests.reduce((sum, { count }) => sum + count, 0)).toBe(20_100);
    expect(requests.find(({ host }) => host === OTHER_HOSTS)?.count).toBe(100);
  });

  it('of hosts that are too long are counted together, too', () => {
    expect(requestsOf(countsOf(`${'x'.repeat(5000)} 200 `, 'a.org 200 '))).toEqual(['(other) 2xx 1', 'a.org 2xx 1']);
  });

  it('do not keep their source lines in memory', () => {
    const counts = new RequestCounts();
    const filler = 'filler.example.org 200 0.001\n'.repeat(2000);
    const before = heapUsed();
    for (let number = 0; number < 1000; number++) counts.take(`host-number-${number}.example.org 200 0.001\n${filler}`);

    expect((heapUsed() - before) / 2 ** 20).toBeLessThan(15);
    expect([...counts.requests()]).toHaveLength(1001);
  });
});

describe('the upstream response time', () => {
  it.each`
    times                     | seconds
    ${'0.012'}                | ${0.012}
    ${'0.000'}                | ${0}
    ${'0.001, 0.002 : 0.100'} | ${0.103}
    ${'-, 0.250'}             | ${0.25}
    ${', 0.250'}              | ${0.25}
    ${'120.000'}              | ${120}
  `('is $seconds for $times', ({ times, seconds }) => {
    const { upstream } = countsOf(`a.org 200 ${times}`);

    expect(upstream.sum).toBeCloseTo(seconds, 9);
    const bucket = upstream.buckets.indexOf(1);
    expect(seconds).toBeLessThanOrEqual(UPSTREAM_BUCKETS[bucket] ?? Number.POSITIVE_INFINITY);
    expect(seconds).toBeGreaterThan(UPSTREAM_BUCKETS[bucket - 1] ?? -1);
  });

  it.each(['', '-', '-, -', ' : ', 'x'])('is unknown for %j', (times) => {
    expect(countsOf(`a.org 502 ${times}`).upstream).toEqual({ buckets: expect.not.arrayContaining([1]), sum: 0 });
  });
});

it('uses hosts as labels write them', () => {
  expect(['a.org', '*.a.org', '_', '~^.{254}', String.raw`~^shop-\d+\.a\.org$`].map(shownHost)).toEqual([
    'a.org',
    '*.a.org',
    '*',
    '*',
    String.raw`~shop-\d+\.a\.org`,
  ]);
});
