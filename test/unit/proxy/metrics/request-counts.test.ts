import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { bucketOf } from '../../../../src/model/time-buckets.ts';
import { MOST_ROWS, OTHER_HOSTS } from '../../../../src/model/traffic.ts';
import { RequestCounts, shownHost, UPSTREAM_BUCKETS } from '../../../../src/proxy/metrics/request-counts.ts';
import { logLine } from '../../../support/log-line.ts';

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
    const counts = countsOf(
      logLine('a.org', 200, { time: '0.001' }),
      logLine('a.org', 204, { time: '0.001' }),
      logLine('a.org', 503),
      logLine('_', 404),
      logLine('~^a+$', 301),
      logLine('', 200),
    );

    expect(requestsOf(counts)).toEqual(['a.org 2xx 2', 'a.org 5xx 1', '_ 4xx 1', '~^a+$ 3xx 1', ' 2xx 1']);
    expect(counts.lost).toBe(0);
  });

  it('that no service has answered do not count for the time of services', () => {
    const counts = countsOf(
      logLine('a.org', 502, { time: '- : 0.003' }),
      logLine('a.org', 504, { time: '5.001 : 0.001' }),
      logLine('a.org', 200, { time: '- : 0.020' }),
    );

    expect(requestsOf(counts)).toEqual(['a.org 2xx 1', 'a.org 5xx 2']);
    expect(counts.upstream.sum).toBeCloseTo(0.02);
  });

  it('with an invalid HTTP status count as other', () => {
    expect(requestsOf(countsOf(...['000', '009', '999'].map((status) => logLine('a.org', status))))).toEqual([
      'a.org other 3',
    ]);
  });

  it('in malformed lines are dropped, not guessed', () => {
    const counts = countsOf(
      '',
      'a.org',
      logLine('a.org', 20),
      logLine('a.org', 2000),
      `${logLine('a.org', 200)}\t`,
      logLine('a.org', 200),
    );

    expect(requestsOf(counts)).toEqual(['a.org 2xx 1']);
    expect(counts.lost).toBe(5);
  });

  it('of more hosts than can exist are counted together', () => {
    const counts = countsOf(...Array.from({ length: 20_100 }, (_, number) => logLine(`${number}.org`, 200)));

    const requests = [...counts.requests()];
    expect(requests.length).toBeLessThanOrEqual(20_001);
    expect(requests.reduce((sum, { count }) => sum + count, 0)).toBe(20_100);
    expect(requests.find(({ host }) => host === OTHER_HOSTS)?.count).toBe(100);
  });

  it('of hosts that are too long are counted together, too', () => {
    expect(requestsOf(countsOf(logLine('x'.repeat(5000), 200), logLine('a.org', 200)))).toEqual([
      '(other) 2xx 1',
      'a.org 2xx 1',
    ]);
  });

  it('do not keep their source lines in memory', () => {
    const counts = new RequestCounts();
    const filler = `${logLine('filler.example.org', 200)}\n`.repeat(2000);
    const before = heapUsed();
    for (let number = 0; number < 1000; number++)
      counts.take(`${logLine(`host-number-${number}.example.org`, 200)}\n${filler}`);

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
    const { upstream } = countsOf(logLine('a.org', 200, { time: times }));

    expect(upstream.sum).toBeCloseTo(seconds, 9);
    const bucket = upstream.buckets.indexOf(1);
    expect(seconds).toBeLessThanOrEqual(UPSTREAM_BUCKETS[bucket] ?? Number.POSITIVE_INFINITY);
    expect(seconds).toBeGreaterThan(UPSTREAM_BUCKETS[bucket - 1] ?? -1);
  });

  it.each(['', '-', '-, -', ' : ', 'x'])('is unknown for %j', (times) => {
    expect(countsOf(logLine('a.org', 502, { time: times })).upstream).toEqual({
      buckets: expect.not.arrayContaining([1]),
      sum: 0,
    });
  });
});

describe('the rows of a report', () => {
  it('have the requests of each host, route and task, with their bytes, TLS versions and times', () => {
    const shop = { path: '/shop', address: '10.0.1.5:8080', tls: 'TLSv1.3' };
    const counts = countsOf(
      logLine('a.org', 200, { ...shop, time: '0.012', sent: 1000, received: 100 }),
      logLine('a.org', 500, { ...shop, time: '0.300', sent: 10, received: 1 }),
      logLine('a.org', 200, { path: '/shop', address: '10.0.1.6:8080', time: '0.012', tls: 'TLSv1.2' }),
      logLine('a.org', 404),
    );

    expect(counts.takeRows()).toEqual([
      {
        ...{ host: 'a.org', path: '/shop', address: '10.0.1.5:8080' },
        ...{ classes: [0, 0, 1, 0, 0, 1], tls: [0, 0, 2, 0], sent: 1010, received: 101 },
        times: [bucketOf(12), 1, bucketOf(300), 1],
      },
      expect.objectContaining({ address: '10.0.1.6:8080', tls: [0, 1, 0, 0], times: [bucketOf(12), 1] }),
      expect.objectContaining({ path: '/', address: '', classes: [0, 0, 0, 0, 1, 0], tls: [1, 0, 0, 0], times: [] }),
    ]);
  });

  it.each`
    addresses                                                | address
    ${'10.0.1.5:80, 10.0.1.6:80'}                            | ${'10.0.1.6:80'}
    ${'10.0.1.5:80 : 127.0.0.1:10246'}                       | ${'10.0.1.5:80'}
    ${'10.0.1.5:80 : 10.0.1.6:80, 10.0.1.7:80'}              | ${'10.0.1.7:80'}
    ${'5c7eac0f43ca9560-tasks.app.net-80 : 127.0.0.1:10246'} | ${''}
    ${'[fd00::1]:80'}                                        | ${'[fd00::1]:80'}
    ${''}                                                    | ${''}
  `('name the task that was tried last: $addresses', ({ addresses, address }) => {
    expect(countsOf(logLine('a.org', 502, { address: addresses })).takeRows()).toMatchObject([{ address }]);
  });

  it('start again after each report', () => {
    const counts = countsOf(logLine('a.org', 200, { time: '0.001' }));
    counts.takeRows();
    counts.take(`${logLine('a.org', 200)}\n`);

    expect(counts.takeRows()).toMatchObject([{ classes: [0, 0, 1, 0, 0, 0], times: [] }]);
    expect(counts.takeRows()).toEqual([]);
    expect(requestsOf(counts)).toEqual(['a.org 2xx 2']);
  });

  it('are limited, and then tell hosts apart only', () => {
    const tasks = Array.from({ length: 5000 }, (_, number) => `10.0.${number >> 8}.${number & 255}:80`);
    const counts = countsOf(
      ...tasks.map((address) => logLine('a.org', 200, { address })),
      ...tasks.map((_, number) => logLine(`${number}.org`, 200)),
    );

    const rows = counts.takeRows();
    expect(rows.length).toBeLessThanOrEqual(MOST_ROWS);
    expect(rows.reduce((sum, { classes }) => sum + classes[2]!, 0)).toBe(10_000);
    expect(rows.find(({ host, address }) => host === 'a.org' && address === '')?.classes[2]).toBe(2000);
    expect(rows.find(({ host }) => host === OTHER_HOSTS)?.classes[2]).toBeGreaterThan(3000);
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
