import type { RouteTable } from '../../model/route-table/table.ts';
import type { StreamPort } from '../../model/streams/stream-table.ts';
import {
  isStreamPort,
  STATUS_CLASSES,
  STEP_SECONDS,
  type TrafficReport,
  type TrafficRow,
} from '../../model/traffic.ts';
import type { TrafficEvent } from '../admin/traffic.ts';
import { ConnectionBook } from './connection-book.ts';
import { ErrorBook } from './error-book.ts';
import { RouteNames } from './route-names.ts';
import { type Scope, TrafficStore } from './traffic-store.ts';

/** A step is complete this long after its end: reports of all proxies have arrived. */
const GRACE_SECONDS = 3;
const TICK_MS = 1000;

type Table = Pick<RouteTable, 'servers' | 'fallback'>;

export interface ReceivedReport extends TrafficReport {
  /** The proxy's task. */
  readonly task: string;
  /** Milliseconds since the report reached the extension. */
  readonly age: number;
}

export interface RecorderOptions {
  /** Routes of a cluster; undefined before the first pass. */
  readonly table: (cluster: string) => Table | undefined;
  /** Ports for TCP and UDP of a cluster. */
  readonly ports?: (cluster: string) => readonly StreamPort[] | undefined;
  readonly now: () => number;
  readonly store?: TrafficStore;
}

interface Known {
  readonly table: Table;
  readonly ports: readonly StreamPort[] | undefined;
  readonly names: RouteNames;
}

/** Records what proxies report. */
export class TrafficRecorder {
  readonly store: TrafficStore;
  readonly errors = new ErrorBook();
  readonly connections = new ConnectionBook();
  /** Requests that proxies could not count. */
  lost = 0;
  readonly #options: RecorderOptions;
  readonly #names = new Map<string, Known>();

  constructor(options: RecorderOptions) {
    this.#options = options;
    this.store = options.store ?? new TrafficStore();
  }

  record(cluster: string, report: ReceivedReport): void {
    const names = this.#namesOf(cluster);
    if (names === undefined) return;
    const step = stepBefore(this.#options.now() - report.age);
    for (const row of report.rows) this.#recordRow(cluster, names, step, row);
    for (const error of report.errors) this.errors.add(cluster, names.resolve(error.host, error.route), error);
    this.connections.note(cluster, report.task, step, report.connections);
    this.lost += report.lost;
  }

  #recordRow(cluster: string, names: RouteNames, step: number, row: TrafficRow): void {
    const { host, path } = names.resolve(row.host, row.path);
    // Connections are no requests, so they do not count for the cluster.
    const scopes: Scope[] = [...(isStreamPort(host) ? [] : [{}, { cluster }]), { cluster, host }];
    if (path !== undefined) scopes.push({ cluster, host, path });
    if (row.address !== '') scopes.push({ cluster, host, address: row.address });
    for (const scope of scopes) this.store.add(step, scope, row);
  }

  /** Prepared once for each table. */
  #namesOf(cluster: string): RouteNames | undefined {
    const table = this.#options.table(cluster);
    if (table === undefined) return undefined;
    const ports = this.#options.ports?.(cluster);
    const known = this.#names.get(cluster);
    if (known?.table === table && known.ports === ports) return known.names;
    const names = new RouteNames(table, ports);
    this.#names.set(cluster, { table, ports, names });
    return names;
  }

  /** The last complete step of everything, or of a cluster. */
  last(cluster: string | undefined): TrafficEvent {
    const step = this.store.step - 1;
    const series = this.store.find(cluster === undefined ? {} : { cluster });
    const found = series && [...this.store.read(series, step * STEP_SECONDS, STEP_SECONDS)][0];
    const classes = found?.at === step * STEP_SECONDS ? found.row.classes : [];
    return {
      at: new Date(step * STEP_SECONDS * 1000).toISOString(),
      requests: classes.reduce((sum, count) => sum + count, 0),
      errors: classes[STATUS_CLASSES.indexOf('5xx')] ?? 0,
    };
  }

  /** Completes steps until the signal aborts. */
  run(signal: AbortSignal): void {
    const timer = setInterval(() => this.tick(), TICK_MS).unref();
    signal.addEventListener('abort', () => clearInterval(timer), { once: true });
  }

  tick(): void {
    const past = (this.#options.now() / 1000 - GRACE_SECONDS) / STEP_SECONDS;
    this.store.moveTo(Math.floor(past));
  }
}

/** A report covers the step before it arrives. Agents report at full steps of their clocks. */
function stepBefore(at: number): number {
  return Math.round(at / 1000 / STEP_SECONDS) - 1;
}
