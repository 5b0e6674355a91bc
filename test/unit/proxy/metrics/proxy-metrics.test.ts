import { expect, it } from 'vitest';
import { proxyMetrics } from '../../../../src/proxy/metrics/proxy-metrics.ts';
import { RequestCounts } from '../../../../src/proxy/metrics/request-counts.ts';
import { logLine } from '../../../support/log-line.ts';

const facts = { version: '0123456789abcdef', reloads: { done: 2, refused: 1 }, connections: undefined };

it('exposes everything in the Prometheus text format', () => {
  const requests = new RequestCounts();
  const lines = [
    logLine('a.org', 200, { time: '0.004' }),
    logLine('a.org', 502, { time: '0.3' }),
    logLine('_', 503),
    logLine(String.raw`~^x\d"$`, 200, { time: '70' }),
    logLine('tcp/5432', 200, { path: 'db', address: '10.0.1.5:5432', sent: 300, received: 20 }),
    logLine('tcp/5432', 502, { path: 'db', sent: 0, received: 0 }),
    logLine('udp/53', 200, { path: 'dns', sent: 80, received: 40 }),
  ];
  requests.take(lines.map((line) => `${line}\n`).join(''));
  const open = { reading: 1, writing: 2, waiting: 3 };

  const text = proxyMetrics({ ...facts, requests, connections: { accepted: 9, handled: 8, open } });

  const own = text.split('\n').filter((line) => !/^(# |process_)/.test(line) && !/_bucket/.test(line));
  expect(own).toEqual([
    'signalbox_proxy_version_info{version="0123456789abcdef"} 1',
    'signalbox_proxy_reloads_total{result="done"} 2',
    'signalbox_proxy_reloads_total{result="refused"} 1',
    'signalbox_proxy_requests_total{host="a.org",class="2xx"} 1',
    'signalbox_proxy_requests_total{host="a.org",class="5xx"} 1',
    'signalbox_proxy_requests_total{host="*",class="5xx"} 1',
    String.raw`signalbox_proxy_requests_total{host="~x\\d\"",class="2xx"} 1`,
    'signalbox_proxy_upstream_seconds_sum 70.304',
    'signalbox_proxy_upstream_seconds_count 3',
    'signalbox_proxy_stream_connections_total{port="tcp/5432",class="2xx"} 1',
    'signalbox_proxy_stream_connections_total{port="tcp/5432",class="5xx"} 1',
    'signalbox_proxy_stream_connections_total{port="udp/53",class="2xx"} 1',
    'signalbox_proxy_stream_bytes_total{port="tcp/5432",direction="sent"} 20',
    'signalbox_proxy_stream_bytes_total{port="tcp/5432",direction="received"} 300',
    'signalbox_proxy_stream_bytes_total{port="udp/53",direction="sent"} 40',
    'signalbox_proxy_stream_bytes_total{port="udp/53",direction="received"} 80',
    'signalbox_proxy_lost_lines_total 0',
    'signalbox_proxy_nginx_connections{state="reading"} 1',
    'signalbox_proxy_nginx_connections{state="writing"} 2',
    'signalbox_proxy_nginx_connections{state="waiting"} 3',
    'signalbox_proxy_nginx_accepted_total 9',
    'signalbox_proxy_nginx_handled_total 8',
    '',
  ]);
  const buckets = [...text.matchAll(/_bucket\{le="(.+)"\} (\d)/g)].map(([, bound, count]) => `${bound} ${count}`);
  expect(buckets).toEqual(expect.arrayContaining(['0.005 1', '0.25 1', '0.5 2', '60 2', '+Inf 3']));
  for (const name of new Set(own.map((line) => line.replace(/(_sum|_count)?[{ ].*/, '')).filter(Boolean)))
    expect(text).toMatch(new RegExp(`^# HELP ${name} \\S.*\n# TYPE ${name} (counter|gauge|histogram)$`, 'm'));
});

it('omits unknown values', () => {
  const text = proxyMetrics({ ...facts, version: null, requests: new RequestCounts() });

  expect(text).not.toMatch(/^signalbox_proxy_(version_info|nginx_|requests_total)/m);
  expect(text).toContain('signalbox_proxy_upstream_seconds_count 0');
  expect(text).toMatch(/^process_resident_memory_bytes \d+$/m);
});
