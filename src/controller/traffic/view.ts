import { setImmediate } from 'node:timers/promises';
import { STEP_SECONDS } from '../../model/traffic.ts';
import {
  type TrafficError,
  type TrafficPart,
  type TrafficQuery,
  type TrafficTotals,
  type TrafficView,
  trafficRanges,
} from '../admin/traffic.ts';
import type { KeptError } from './error-book.ts';
import { stepsOf, totalsOf } from './totals.ts';
import type { TrafficRecorder } from './traffic-recorder.ts';
import type { Scope, Series } from './traffic-store.ts';

/** Tasks by their addresses without ports. */
export type TaskNames = ReadonlyMap<string, { readonly task: string; readonly node: string | null }>;

export interface ViewOptions {
  readonly recorder: TrafficRecorder;
  /** Tasks of the services behind a host. */
  readonly tasksOf: (cluster: string, host: string) => Promise<TaskNames>;
  readonly now: () => number;
}

const MOST_PARTS = 500;
const MOST_ERRORS = 100;
/** Series that are read at once, before other work gets a turn. */
const READ_AT_ONCE = 100;

/** Undefined if the query names no single host or task. */
export async function viewTraffic(options: ViewOptions, query: TrafficQuery): Promise<TrafficView | undefined> {
  const { recorder, now } = options;
  const { store } = recorder;
  const { seconds, step } = trafficRanges[query.range];
  const current = store.step * STEP_SECONDS || now() / 1000;
  const from = (Math.floor(current / step) + 1) * step - seconds;
  const cluster = query.cluster ?? clusterOf(recorder, query.host);
  if (query.host !== undefined && cluster === undefined) return undefined;
  const names = query.host === undefined ? new Map() : await options.tasksOf(cluster!, query.host);
  const path = pathOf(recorder, cluster, query);
  const scope = { cluster, host: query.host, path, address: addressOf(recorder, cluster, query, names) };
  const read = (series: Series) => store.read(series, from, step);
  const series = store.find(scope);
  const rows = series === undefined ? [] : [...read(series)];
  const isCluster = query.host === undefined;
  return {
    from: new Date(from * 1000).toISOString(),
    stepSeconds: step,
    totals: totalsOf(rows, seconds),
    steps: {
      ...stepsOf(rows, from, step, seconds / step),
      connections: isCluster ? connectionsOf(recorder, cluster, from, step, seconds / step) : null,
    },
    connections: isCluster ? (recorder.connections.now(cluster, nowStep(now)) ?? null) : null,
    parts: await partsOf(options, scope, names, (part) => totalsOf([...read(part)], seconds)),
    errors: recorder.errors.find((error) => isWithin(error, scope), MOST_ERRORS).map(toErrorView),
    lost: recorder.lost,
  };
}

const nowStep = (now: () => number) => Math.floor(now() / 1000 / STEP_SECONDS);

/** The cluster of a host that only one cluster has. */
function clusterOf({ store }: TrafficRecorder, host: string | undefined): string | undefined {
  if (host === undefined) return undefined;
  const found = [...store.all()].filter(({ scope }) => scope.host === host).map(({ scope }) => scope.cluster);
  return new Set(found).size === 1 ? found[0] : undefined;
}

/** A host's only route is not distinguished from the host. */
function pathOf({ store }: TrafficRecorder, cluster: string | undefined, { host, route }: TrafficQuery) {
  const hasRoutes = [...store.all()].some(
    ({ scope }) => scope.cluster === cluster && scope.host === host && scope.path !== undefined,
  );
  return hasRoutes ? route : undefined;
}

function addressOf(
  { store }: TrafficRecorder,
  cluster: string | undefined,
  { host, task }: TrafficQuery,
  names: TaskNames,
): string | undefined {
  if (task === undefined || task.includes(':')) return task;
  const addresses = [...store.all()]
    .filter(({ scope }) => scope.cluster === cluster && scope.host === host)
    .flatMap(({ scope }) => scope.address ?? []);
  const found = [...names].filter(([, name]) => name.task === task).map(([address]) => address);
  return addresses.find((address) => found.includes(hostOf(address))) ?? task;
}

/** `10.0.0.3` of `10.0.0.3:80`. */
function hostOf(address: string): string {
  return address.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1');
}

function isWithin(error: KeptError, { cluster, host, path, address }: Scope): boolean {
  return (
    (cluster === undefined || error.cluster === cluster) &&
    (host === undefined || error.host === host) &&
    (path === undefined || error.path === path) &&
    (address === undefined || error.address === address)
  );
}

async function partsOf(
  { recorder }: ViewOptions,
  scope: Scope,
  names: TaskNames,
  totals: (series: Series) => TrafficTotals,
): Promise<TrafficPart[]> {
  const parts: TrafficPart[] = [];
  let read = 0;
  for (const series of [...recorder.store.all()].filter((one) => isPart(one.scope, scope))) {
    if (++read % READ_AT_ONCE === 0) await setImmediate();
    const sums = totals(series);
    if (sums.requests > 0) parts.push({ ...toPart(series.scope, names), totals: sums });
  }
  return parts.toSorted((a, b) => b.totals.requests - a.totals.requests).slice(0, MOST_PARTS);
}

function toPart(scope: Scope, names: TaskNames): Omit<TrafficPart, 'totals'> {
  const { cluster = '' } = scope;
  const [host, path, address] = [scope.host ?? null, scope.path ?? null, scope.address ?? null];
  const { task, node } = names.get(hostOf(address ?? '')) ?? { task: null, node: null };
  return { kind: kindOf({ host, path, address }), cluster, host, path, address, task, node };
}

function kindOf({ host, path, address }: Pick<TrafficPart, 'host' | 'path' | 'address'>): TrafficPart['kind'] {
  if (address !== null) return 'task';
  if (path !== null) return 'route';
  return host === null ? 'cluster' : 'host';
}

/** Of everything and of clusters: clusters and hosts. Of a host: its routes and tasks. */
function isPart(part: Scope, { cluster, host, path, address }: Scope): boolean {
  if (part.cluster === undefined || (cluster !== undefined && part.cluster !== cluster)) return false;
  if (host === undefined) return part.path === undefined && part.address === undefined;
  return part.host === host && path === undefined && address === undefined && (part.path ?? part.address) !== undefined;
}

function connectionsOf(
  { connections }: TrafficRecorder,
  cluster: string | undefined,
  from: number,
  step: number,
  length: number,
) {
  return Array.from({ length }, (_, position) => connections.at(cluster, (from + position * step) / STEP_SECONDS));
}

function toErrorView({ at, path, ...error }: KeptError): TrafficError {
  return { ...error, path: path ?? null, at: new Date(at).toISOString() };
}
