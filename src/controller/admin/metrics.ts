import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { CertificateStatus } from '../../model/acme/plan.ts';
import type { StatusBoard } from '../reconcile/status.ts';
import { observeBackends } from './backend-metrics.ts';

/** Docker Engine API calls since the start, by operation. */
export type EngineCalls = ReadonlyMap<string, { readonly done: number; readonly failed: number }>;

/** Seconds from the event of a change until all replicas serve it. */
const PROPAGATION_BUCKETS = [0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1, 1.5, 2, 3, 5, 10, 20, 30, 60, 120];

/** Certificates from ACME servers, and orders that have ended since the start. */
export interface CertificateMetrics {
  readonly certificates: readonly CertificateStatus[];
  readonly orders: readonly { readonly issuer: string; readonly result: string; readonly count: number }[];
}

/** The metrics of `GET /metrics`, collected from the status on each request. */
export function createMetrics(
  status: StatusBoard,
  engineCalls: EngineCalls,
  acme: CertificateMetrics = { certificates: [], orders: [] },
): Registry {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });

  new Gauge({
    name: 'signalbox_problems',
    help: 'Current problems of services and settings.',
    labelNames: ['severity'],
    registers,
    collect() {
      for (const severity of ['error', 'warning', 'notice'])
        this.set({ severity }, status.current?.problems.filter((problem) => problem.severity === severity).length ?? 0);
    },
  });
  new Gauge({
    name: 'signalbox_routes',
    help: 'Routes: pairs of host and context root.',
    labelNames: ['cluster'],
    registers,
    collect() {
      this.reset();
      for (const {
        cluster,
        table: { servers, fallback },
      } of status.current?.desired.clusters ?? []) {
        const count = servers.reduce((sum, { locations }) => sum + locations.length, fallback.length);
        this.set({ cluster: cluster.name }, count);
      }
    },
  });
  new Gauge({
    name: 'signalbox_replicas',
    help: 'Running proxies by the version they serve; `desired` is true if it is the desired version.',
    labelNames: ['cluster', 'version', 'desired'],
    registers,
    collect() {
      this.reset();
      for (const { name, version: newest, tasks } of status.current?.outcomes ?? []) {
        for (const { state, version } of tasks) {
          if (state === 'running')
            this.inc({ cluster: name, version: version ?? '', desired: String(version === newest) });
        }
      }
    },
  });
  new Gauge({
    name: 'signalbox_desired_replicas',
    help: 'Desired proxies. Absent if there is one on each node (`ProxyReplicas = "global"`).',
    labelNames: ['cluster'],
    registers,
    collect() {
      this.reset();
      const running = new Set(status.current?.outcomes.map(({ name }) => name));
      for (const { cluster } of status.current?.desired.clusters ?? []) {
        const { ProxyReplicas: replicas } = cluster.settings;
        if (replicas !== 'global' && running.has(cluster.name)) this.set({ cluster: cluster.name }, replicas);
      }
    },
  });
  new Counter({
    name: 'signalbox_passes_total',
    help: 'Passes over the swarm by result.',
    labelNames: ['result'],
    registers,
    collect() {
      this.reset();
      for (const [result, count] of Object.entries(status.passes)) this.inc({ result }, count);
    },
  });
  new Counter({
    name: 'signalbox_engine_calls_total',
    help: 'Docker Engine API calls by operation and result.',
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
  observeBackends(status, registers);
  observePropagation(status, registers);
  observeCertificates(acme, registers);
  return registry;
}

function observePropagation(status: StatusBoard, registers: Registry[]): void {
  const histogram = new Histogram({
    name: 'signalbox_propagation_seconds',
    help: 'Seconds from the first event of a change until all replicas of the cluster serve it.',
    labelNames: ['cluster'],
    buckets: PROPAGATION_BUCKETS,
    registers,
  });
  /** The last counted change, by cluster. */
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

function observeCertificates(acme: CertificateMetrics, registers: Registry[]): void {
  new Gauge({
    name: 'signalbox_certificate_not_after_seconds',
    help: 'When certificates from ACME servers expire, in seconds since the epoch; 0 before the first.',
    labelNames: ['host', 'issuer'],
    registers,
    collect() {
      this.reset();
      for (const { name, issuer, current } of acme.certificates)
        this.set({ host: name, issuer }, (current?.notAfter ?? 0) / 1000);
    },
  });
  new Counter({
    name: 'signalbox_acme_orders_total',
    help: 'Orders of certificates that this controller has ended, by result.',
    labelNames: ['issuer', 'result'],
    registers,
    collect() {
      this.reset();
      for (const { issuer, result, count } of acme.orders) this.inc({ issuer, result }, count);
    },
  });
}
