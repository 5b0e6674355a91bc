import { expose, histogramSamples, type Metric } from './exposition.ts';
import { type RequestCounts, shownHost, UPSTREAM_BUCKETS } from './request-counts.ts';

/** The metrics of a proxy. */
export interface ProxyFacts {
  /** The served version; null before nginx runs. */
  readonly version: string | null;
  readonly reloads: { readonly done: number; readonly refused: number };
  readonly requests: RequestCounts;
  /** Undefined if nginx does not respond. */
  readonly connections: Connections | undefined;
}

export interface Connections {
  readonly accepted: number;
  readonly handled: number;
  /** Open connections by state. */
  readonly open: Readonly<Record<'reading' | 'writing' | 'waiting', number>>;
}

/** The output of a proxy's `GET /metrics` in Prometheus text format. */
export function proxyMetrics(facts: ProxyFacts): string {
  return expose([
    ...ofVersions(facts),
    ...ofRequests(facts.requests),
    ...ofConnections(facts.connections),
    ...ofAgent(),
  ]);
}

function ofVersions({ version, reloads }: ProxyFacts): Metric[] {
  return [
    {
      name: 'signalbox_proxy_version_info',
      help: 'The version that nginx serves; always 1.',
      type: 'gauge',
      samples: version === null ? [] : [{ labels: { version }, value: 1 }],
    },
    {
      name: 'signalbox_proxy_reloads_total',
      help: 'Versions updated in place, by whether nginx accepted them.',
      type: 'counter',
      samples: Object.entries(reloads).map(([result, value]) => ({ labels: { result }, value })),
    },
  ];
}

function ofRequests(counts: RequestCounts): Metric[] {
  const requests = counts.requests();
  return [
    {
      name: 'signalbox_proxy_requests_total',
      help: 'Requests by host and status class; host * for unknown names.',
      type: 'counter',
      samples: requests.map(({ host, class: of, count }) => ({
        labels: { host: shownHost(host), class: of },
        value: count,
      })),
    },
    {
      name: 'signalbox_proxy_upstream_seconds',
      help: 'Seconds from sending a request to a service until its response starts.',
      type: 'histogram',
      samples: histogramSamples(UPSTREAM_BUCKETS, counts.upstream.buckets, counts.upstream.sum),
    },
    {
      name: 'signalbox_proxy_stream_connections_total',
      help: 'Ended TCP connections and UDP sessions by port and status class.',
      type: 'counter',
      samples: counts.connections().map(({ host: port, class: of, count }) => ({
        labels: { port, class: of },
        value: count,
      })),
    },
    {
      name: 'signalbox_proxy_stream_bytes_total',
      help: 'Bytes of ended TCP connections and UDP sessions by port and direction, as seen from the clients.',
      type: 'counter',
      samples: [...counts.portBytes].flatMap(([port, { received, sent }]) => [
        { labels: { port, direction: 'sent' }, value: received },
        { labels: { port, direction: 'received' }, value: sent },
      ]),
    },
    {
      name: 'signalbox_proxy_lost_lines_total',
      help: 'Requests not counted because too many were queued.',
      type: 'counter',
      samples: [{ value: counts.lost }],
    },
  ];
}

function ofConnections(connections: Connections | undefined): Metric[] {
  if (connections === undefined) return [];
  const { open, accepted, handled } = connections;
  return [
    {
      name: 'signalbox_proxy_nginx_connections',
      help: 'Open client connections by state: reading a request, writing a response, or waiting.',
      type: 'gauge',
      samples: Object.entries(open).map(([state, value]) => ({ labels: { state }, value })),
    },
    {
      name: 'signalbox_proxy_nginx_accepted_total',
      help: 'Accepted client connections.',
      type: 'counter',
      samples: [{ value: accepted }],
    },
    {
      name: 'signalbox_proxy_nginx_handled_total',
      help: 'Handled client connections: accepted and not dropped because of a limit.',
      type: 'counter',
      samples: [{ value: handled }],
    },
  ];
}

/** Standard process metrics. */
function ofAgent(): Metric[] {
  const { user, system } = process.cpuUsage();
  return [
    {
      name: 'process_resident_memory_bytes',
      help: 'Resident memory of the agent.',
      type: 'gauge',
      samples: [{ value: process.memoryUsage.rss() }],
    },
    {
      name: 'process_cpu_seconds_total',
      help: 'CPU time of the agent.',
      type: 'counter',
      samples: [{ value: (user + system) / 1e6 }],
    },
    {
      name: 'process_start_time_seconds',
      help: 'Start time of the agent in seconds since the Unix epoch.',
      type: 'gauge',
      samples: [{ value: Math.round(Date.now() / 1000 - process.uptime()) }],
    },
  ];
}
