import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import { buildRouteTable } from '../model/route-table.ts';
import type { StatusBoard } from '../reconcile/status.ts';

/** Calls of the Engine's API since the start, by operation. */
export type EngineCalls = ReadonlyMap<string, { readonly done: number; readonly failed: number }>;

/** From the event that tells of a change until all replicas serve it, in seconds. */
const PROPAGATION_BUCKETS = [0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1, 1.5, 2, 3, 5, 10, 20, 30, 60, 120];

/** What `GET /metrics` tells, in Prometheus' text format: read from the status whenever it is asked for. */
export function createMetrics(status: StatusBoard, engineCalls: EngineCalls): Registry {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });

  new Gauge({
    name: 'signalbox_problems',
    help: 'Problems of services and settings that last.',
    labelNames: ['severity'],
    registers,
    collect() {
      for (const severity of ['error', 'warning', 'notice'])
        this.set({ severity }, status.current?.problems.filter((problem) => problem.severity === severity).length ?? 0);
    },
  });
  new Gauge({
    name: 'signalbox_routes',
    help: 'Hosts and context roots that are routed.',
    labelNames: ['cluster'],
    registers,
    collect() {
      this.reset();
      for (const { cluster, routes } of status.current?.desired.clusters ?? []) {
        const { servers, fallback } = buildRouteTable(routes);
        const count = servers.reduce((sum, { locations }) => sum + locations.length, fallback.length);
        this.set({ cluster: cluster.name }, count);
      }
    },
  });
  new Gauge({
    name: 'signalbox_replicas',
    help: 'Running proxies by the version that they serve; `wanted` tells whether it is the newest.',
    labelNames: ['cluster', 'version', 'wanted'],
    registers,
    collect() {
      this.reset();
      for (const { name, version: newest, tasks } of status.current?.outcomes ?? []) {
        for (const { state, version } of tasks) {
          if (state === 'running')
            this.inc({ cluster: name, version: version ?? '', wanted: String(version === newest) });
        }
      }
    },
  });
  new Counter({
    name: 'signalbox_passes_total',
    help: 'Looks at the swarm, and what came of them.',
    labelNames: ['result'],
    registers,
    collect() {
      this.reset();
      for (const [result, count] of Object.entries(status.passes)) this.inc({ result }, count);
    },
  });
  new Counter({
    name: 'signalbox_engine_calls_total',
    help: "Calls of the Engine's API.",
    labelNames: ['operation', 'result'],
    registers,
    collect() {
      this.reset();
      for (const [operation, { done, failed }] of engineCalls) {
        this.inc({ operation, result: 'done' }, done);
        this.inc({ operation, result: 'failed' }, failed);
      }
    },
  });
  observePropagation(status, registers);
  return registry;
}

function observePropagation(status: StatusBoard, registers: Registry[]): void {
  const histogram = new Histogram({
    name: 'signalbox_propagation_seconds',
    help: 'From the first event of a change until all replicas of the cluster serve it.',
    labelNames: ['cluster'],
    buckets: PROPAGATION_BUCKETS,
    registers,
  });
  /** The last change that was counted, by cluster. */
  const counted = new Map<string, number>();
  status.subscribe(() => {
    for (const { name, changes } of status.current?.outcomes ?? []) {
      const [newest] = changes;
      if (newest?.servedAt === undefined || counted.get(name) === newest.seenAt) continue;
      counted.set(name, newest.seenAt);
      histogram.observe({ cluster: name }, (newest.servedAt - newest.seenAt) / 1000);
    }
  });
}
