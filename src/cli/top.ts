import { setTimeout } from 'node:timers/promises';
import type { TrafficPart, TrafficTotals, TrafficView } from '../controller/admin/traffic.ts';
import { Api, apiOptions } from './api.ts';
import { columns } from './columns.ts';
import { defineCommand } from './command.ts';
import { exitCodes, type Io, paint, UsageError, writeJson } from './io.ts';

const RANGES = ['1m', '5m', '15m', '1h', '24h'];
const REFRESH_MS = 5000;
const MOST_ROWS = 20;
const MOST_ERRORS = 5;
/** Clears the terminal and moves to its first line. */
const CLEAR = '\u001B[H\u001B[2J\u001B[3J';

export const top = defineCommand({
  name: 'top',
  usage: '[host]',
  summary: 'Show live traffic: requests, errors and response times by host; of a host, by route and task.',
  details:
    'Refreshes every 5 s until Ctrl-C. Without a terminal, with --once or with --json, prints once. Counting lags by up to 10 s.',
  examples: [
    'signalbox top',
    'signalbox top shop.example.org',
    'signalbox top --range 1h --once',
    'signalbox top shop.example.org --cluster internal --json',
  ],
  options: {
    ...apiOptions,
    cluster: { type: 'string', value: 'name', description: 'Only this service cluster.' },
    range: {
      type: 'string',
      value: 'range',
      description: `Length of the shown time: ${RANGES.join(', ')}. Default: 1m.`,
    },
    once: { type: 'boolean', description: 'Print once.' },
  },
  async run(values, [host], io) {
    const { cluster, range = '1m' } = values;
    if (!RANGES.includes(range)) throw new UsageError(`--range is one of ${RANGES.join(', ')}, not ${range}.`);
    const api = await Api.connect(values, io);
    const query = new URLSearchParams({ range, ...(cluster ? { cluster } : {}), ...(host ? { host } : {}) });
    const read = async () => (await api.call('GET', `/api/traffic?${query}`)) as TrafficView;
    const isOnce = values.once || values.json || !io.color;
    for (;;) {
      const view = await read();
      if (values.json) writeJson(io, view);
      else io.out(`${isOnce ? '' : CLEAR}${describe(view, host, io)}`);
      if (isOnce) return exitCodes.done;
      await setTimeout(REFRESH_MS);
    }
  },
});

function describe({ totals, connections, parts, errors, lost }: TrafficView, host: string | undefined, io: Io): string {
  const shown = parts.filter(({ kind }) => (host === undefined ? kind === 'host' : true)).slice(0, MOST_ROWS);
  const rows = [
    [
      host === undefined ? 'HOST' : 'ROUTE OR TASK',
      'REQ/S',
      'REQUESTS',
      '2XX',
      '3XX',
      '4XX',
      '5XX',
      'P50',
      'P95',
      'P99',
      'SENT',
    ],
    ...shown.map((part) => [nameOf(part), ...numbers(part.totals)]),
    ['total', ...numbers(totals)],
  ];
  const open =
    connections && `${connections.open} connections, ${connections.writing} of them with a request or WebSocket`;
  return [
    ...columns(rows),
    ...(open ? ['', open] : []),
    ...(lost > 0 ? ['', paint(io, 'yellow', `${lost} requests could not be counted`)] : []),
    ...(errors.length === 0 ? [] : ['', 'Last server errors:']),
    ...columns(
      errors
        .slice(0, MOST_ERRORS)
        .map((error) => [
          error.at,
          String(error.status),
          `${error.host} ${error.request}`,
          error.reason,
          error.address ?? '-',
          error.id,
        ]),
    ),
    '',
  ].join('\n');
}

function nameOf({ kind, host, path, address, node, cluster }: TrafficPart): string {
  if (kind === 'task') return `${address}${node === null ? '' : ` on ${node}`}`;
  if (kind === 'route') return path ?? '';
  return kind === 'cluster' ? cluster : host === '*' ? 'unknown hosts' : (host ?? '');
}

function numbers({ perSecond, requests, classes, p50, p95, p99, sent }: TrafficTotals): string[] {
  const counts = [requests, classes['2xx'], classes['3xx'], classes['4xx'], classes['5xx']].map(String);
  return [perSecond.toFixed(perSecond < 10 ? 2 : 0), ...counts, ...[p50, p95, p99].map(time), size(sent)];
}

function time(ms: number | null): string {
  if (ms === null) return '-';
  return ms < 1000 ? `${ms} ms` : `${Number((ms / 1000).toFixed(1))} s`;
}

function size(bytes: number): string {
  const power = Math.min(4, Math.max(0, Math.floor(Math.log10(Math.max(1, bytes)) / 3)));
  return `${Number((bytes / 1000 ** power).toPrecision(3))} ${['B', 'kB', 'MB', 'GB', 'TB'][power]}`;
}
