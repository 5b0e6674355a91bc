import { expose, histogramSamples, type Metric } from './exposition.ts';
import { type RequestCounts, shownHost, UPSTREAM_BUCKETS } from './request-counts.ts';

/** What is told of a proxy. */
export interface ProxyFacts {
  /** What nginx serves; null before it runs. */
  readonly version: string | null;
  readonly reloads: { readonly done: number; readonly refused: number };
  readonly requests: RequestCounts;
  /** Undefined where nginx does not answer. */
  readonly connections: Connections | undefined;
}

export interface Connections {
  readonly accepted: number;
  readonly handled: number;
  /** Open ones, by what nginx does with them. */
  readonly open: Readonly<Record<'reading' | 'writing' | 'waiting', number>>;
}

/** What `GET /metrics` of a proxy tells, in Prometheus' text format. */
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
      help: 'Versions that came in place, and whether nginx took them.',
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
      help: 'Answered requests by host and class of the status; host * for names that nobody has.',
      type: 'counter',
      samples: requests.map(({ host, class: of, count }) => ({
        labels: { host: shownHost(host), class: of },
        value: count,
      })),
    },
    {
      name: 'signalbox_proxy_upstream_seconds',
      help: 'From asking a service until its answer begins.',
      type: 'histogram',
      samples: histogramSamples(UPSTREAM_BUCKETS, counts.upstream.buckets, counts.upstream.sum),
    },
    {
      name: 'signalbox_proxy_lost_lines_total',
      help: 'Requests that were not counted, as too many of them were waiting for it.',
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
      help: 'Open connections of clients: a request is read, it is answered, or the next one is waited for.',
      type: 'gauge',
      samples: Object.entries(open).map(([state, value]) => ({ labels: { state }, value })),
    },
    {
      name: 'signalbox_proxy_nginx_accepted_total',
      help: 'Connections of clients that nginx has accepted.',
      type: 'counter',
      samples: [{ value: accepted }],
    },
    {
      name: 'signalbox_proxy_nginx_handled_total',
      help: 'Those of them that it did not drop for want of room.',
      type: 'counter',
      samples: [{ value: handled }],
    },
  ];
}

/** By the names that are usual for a process. */
function ofAgent(): Metric[] {
  const { user, system } = process.cpuUsage();
  return [
    {
      name: 'process_resident_memory_bytes',
      help: 'Memory of the agent beside nginx.',
      type: 'gauge',
      samples: [{ value: process.memoryUsage.rss() }],
    },
    {
      name: 'process_cpu_seconds_total',
      help: 'Processor time of the agent beside nginx.',
      type: 'counter',
      samples: [{ value: (user + system) / 1e6 }],
    },
    {
      name: 'process_start_time_seconds',
      help: 'When the agent was started, since 1970.',
      type: 'gauge',
      samples: [{ value: Math.round(Date.now() / 1000 - process.uptime()) }],
    },
  ];
}
