import { STEP_SECONDS } from '../../model/traffic.ts';
import { History, PagePool } from './page-pool.ts';
import { type Counted, type Row, Sums } from './sums.ts';

export const MINUTE_SECONDS = 60;
const HOUR_SECONDS = 3600;
const DAY_SECONDS = 86_400;
/** For rows of hosts, routes and tasks; everything else takes at most 4 MB, see test/unit/controller/traffic/memory.test.ts. */
const STEP_BYTES = 2.4 * 2 ** 20;
const MINUTE_BYTES = 3.4 * 2 ** 20;
/** For the rows of everything and of clusters, so that many hosts do not shorten their history. */
const CLUSTER_BYTES = 128 * 1024;
/** Hosts, routes and tasks. */
const MOST_SERIES = 4096;
/** A series is dropped for a new one only if it had no request for this long. */
const IDLE_SECONDS = 120;

/** What a series counts. Absent parts are not distinguished. */
export interface Scope {
  readonly cluster?: string | undefined;
  /** As shown in routes. */
  readonly host?: string | undefined;
  readonly path?: string | undefined;
  /** Address and port of a task. */
  readonly address?: string | undefined;
}

export class Series {
  readonly scope: Scope;
  readonly steps = new History();
  readonly minutes = new History();
  /** Numbers of the current step and minute. */
  readonly step = new Sums();
  readonly minute = new Sums();
  /** The last step with requests. */
  lastStep = 0;

  constructor(scope: Scope) {
    this.scope = scope;
  }
}

export interface TrafficStoreOptions {
  readonly stepBytes?: number;
  readonly minuteBytes?: number;
  readonly mostSeries?: number;
}

/**
 * The requests of the last hour in steps of 5 s, and of the last day in steps of a minute: of everything, and by cluster, host, route and task. Its
 * memory is limited: if there are too many series, those without requests are dropped first, and new ones are only counted in their cluster.
 */
export class TrafficStore {
  readonly #series = new Map<string, Series>();
  /** Pools by the kind of rows. */
  readonly #pools: Readonly<Record<'steps' | 'minutes' | 'clusterSteps' | 'clusterMinutes', PagePool>>;
  readonly #mostSeries: number;
  readonly #listeners = new Set<() => void>();
  #step = 0;

  constructor({
    stepBytes = STEP_BYTES,
    minuteBytes = MINUTE_BYTES,
    mostSeries = MOST_SERIES,
  }: TrafficStoreOptions = {}) {
    this.#mostSeries = mostSeries;
    const pool = (bytes: number, kind: 'steps' | 'minutes', ofHosts: boolean) =>
      new PagePool(bytes, () =>
        [...this.#series.values()].filter(({ scope }) => isOfHost(scope) === ofHosts).map((series) => series[kind]),
      );
    this.#pools = {
      steps: pool(stepBytes, 'steps', true),
      minutes: pool(minuteBytes, 'minutes', true),
      clusterSteps: pool(CLUSTER_BYTES, 'steps', false),
      clusterMinutes: pool(2 * CLUSTER_BYTES, 'minutes', false),
    };
  }

  #poolOf({ scope }: Series, kind: 'steps' | 'minutes'): PagePool {
    if (isOfHost(scope)) return this.#pools[kind];
    return kind === 'steps' ? this.#pools.clusterSteps : this.#pools.clusterMinutes;
  }

  /** The step that numbers are added to now. */
  get step(): number {
    return this.#step;
  }

  get size(): number {
    return this.#series.size;
  }

  /** Called when a step is complete. Returns a function that unsubscribes. */
  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Adds numbers to a series. Numbers of a past step count for the current one. */
  add(step: number, scope: Scope, counted: Counted): void {
    this.moveTo(step);
    const series = this.#seriesOf(scope);
    if (series === undefined) return;
    series.step.add(counted);
    series.lastStep = this.#step;
  }

  /** Completes all steps before this one. */
  moveTo(step: number): void {
    if (step <= this.#step) return;
    const isFirst = this.#step === 0;
    const minute = minuteOf(this.#step);
    for (const series of this.#series.values()) this.#complete(series);
    if (minuteOf(step) > minute) this.#completeMinute(minute, step);
    this.#step = step;
    if (!isFirst) for (const listener of this.#listeners) listener();
  }

  #complete(series: Series): void {
    if (series.step.isEmpty) return;
    this.#poolOf(series, 'steps').append(series.steps, this.#step, series.step);
    series.minute.addSums(series.step);
    series.step.clear();
  }

  #completeMinute(minute: number, step: number): void {
    const now = step * STEP_SECONDS;
    for (const [name, series] of this.#series) {
      if (!series.minute.isEmpty) this.#poolOf(series, 'minutes').append(series.minutes, minute, series.minute);
      series.minute.clear();
      this.#poolOf(series, 'steps').dropBefore(series.steps, (now - HOUR_SECONDS) / STEP_SECONDS);
      this.#poolOf(series, 'minutes').dropBefore(series.minutes, Math.floor((now - DAY_SECONDS) / MINUTE_SECONDS));
      if (now - series.lastStep * STEP_SECONDS > DAY_SECONDS) this.#series.delete(name);
    }
  }

  find(scope: Scope): Series | undefined {
    return this.#series.get(nameOf(scope));
  }

  /** All series, in no particular order. */
  all(): IterableIterator<Series> {
    return this.#series.values();
  }

  #seriesOf(scope: Scope): Series | undefined {
    const name = nameOf(scope);
    const known = this.#series.get(name);
    if (known) return known;
    if (this.#series.size >= this.#mostSeries && scope.host !== undefined && !this.#dropIdle()) return undefined;
    const series = new Series(scope);
    this.#series.set(name, series);
    return series;
  }

  /** Drops the series that had no request for the longest time. */
  #dropIdle(): boolean {
    let idle: readonly [name: string, series: Series] | undefined;
    for (const entry of this.#series) {
      const isOlder = entry[1].lastStep < (idle?.[1].lastStep ?? this.#step - IDLE_SECONDS / STEP_SECONDS);
      if (isOlder && entry[1].scope.host !== undefined) idle = entry;
    }
    if (idle === undefined) return false;
    const [name, { steps, minutes }] = idle;
    this.#pools.steps.drop(steps);
    this.#pools.minutes.drop(minutes);
    return this.#series.delete(name);
  }

  /** The rows of a series since a time in seconds, the oldest first, with the start of their steps. */
  *read(series: Series, since: number, stepSeconds: number): Generator<{ readonly at: number; readonly row: Row }> {
    const isFine = stepSeconds === STEP_SECONDS;
    const kind = isFine ? 'steps' : 'minutes';
    const first = Math.ceil(since / stepSeconds);
    const rows = this.#poolOf(series, kind).read(series[kind], first);
    for (const { step, row } of rows) yield { at: step * stepSeconds, row };
    const current = isFine ? series.step : currentMinute(series);
    const now = isFine ? this.#step : minuteOf(this.#step);
    if (now >= first && !current.isEmpty) yield { at: now * stepSeconds, row: current.row };
  }
}

function isOfHost({ host }: Scope): boolean {
  return host !== undefined;
}

function currentMinute({ step, minute }: Series): Sums {
  const both = new Sums();
  both.addSums(minute);
  both.addSums(step);
  return both;
}

function minuteOf(step: number): number {
  return Math.floor((step * STEP_SECONDS) / MINUTE_SECONDS);
}

function nameOf({ cluster = '', host, path, address }: Scope): string {
  return [cluster, host ?? '', path ?? '', address ?? ''].join('\n');
}
