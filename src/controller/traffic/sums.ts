import { boundOf, TIME_BUCKETS } from '../../model/time-buckets.ts';
import { STATUS_CLASSES, TLS_KINDS, type TrafficRow } from '../../model/traffic.ts';

/** What a report adds to a step. */
export type Counted = Pick<TrafficRow, 'classes' | 'tls' | 'sent' | 'received' | 'times'>;

/** What is counted in a step. */
export interface Row {
  /** By the position in `STATUS_CLASSES`. */
  readonly classes: readonly number[];
  /** By the position in `TLS_KINDS`. */
  readonly tls: readonly number[];
  /** Rounded to 0.4 %. */
  readonly sent: number;
  readonly received: number;
  /** 50 %, 95 % and 99 % of the answered requests took at most this many milliseconds; null if no task answered. */
  readonly times: readonly [number, number, number] | null;
}

const TLS_AT = STATUS_CLASSES.length;
const TIMES_AT = TLS_AT + TLS_KINDS.length;
const LENGTH = TIMES_AT + TIME_BUCKETS;

/** Numbers of one step that are still added up. There are two for each host, route and task: they are in one array. */
export class Sums {
  readonly #counts = new Uint32Array(LENGTH);
  sent = 0;
  received = 0;
  isEmpty = true;

  add({ classes, tls, times, sent, received }: Counted): void {
    const counts = this.#counts;
    for (let kind = 0; kind < TLS_AT; kind += 1) counts[kind]! += classes[kind]!;
    for (let kind = 0; kind < TLS_KINDS.length; kind += 1) counts[TLS_AT + kind]! += tls[kind]!;
    for (let at = 0; at < times.length; at += 2) counts[TIMES_AT + times[at]!]! += times[at + 1]!;
    this.sent += sent;
    this.received += received;
    this.isEmpty = false;
  }

  addSums(other: Sums): void {
    const counts = this.#counts;
    for (let at = 0; at < LENGTH; at += 1) counts[at]! += other.#counts[at]!;
    this.sent += other.sent;
    this.received += other.received;
    this.isEmpty &&= other.isEmpty;
  }

  clear(): void {
    this.#counts.fill(0);
    this.sent = 0;
    this.received = 0;
    this.isEmpty = true;
  }

  classAt(kind: number): number {
    return this.#counts[kind]!;
  }

  tlsAt(kind: number): number {
    return this.#counts[TLS_AT + kind]!;
  }

  /** The time buckets that contain 50 %, 95 % and 99 %; undefined if no task answered. */
  get percentiles(): readonly [number, number, number] | undefined {
    let total = 0;
    for (let at = TIMES_AT; at < LENGTH; at += 1) total += this.#counts[at]!;
    if (total === 0) return undefined;
    const found: [number, number, number] = [0, 0, 0];
    let next = 0;
    let sum = 0;
    for (let bucket = 0; next < SHARES.length; bucket += 1) {
      sum += this.#counts[TIMES_AT + bucket]!;
      while (next < SHARES.length && sum >= Math.ceil(total * SHARES[next]!)) found[next++] = bucket;
    }
    return found;
  }

  get row(): Row {
    const buckets = this.percentiles;
    return {
      classes: STATUS_CLASSES.map((_, kind) => this.classAt(kind)),
      tls: TLS_KINDS.map((_, kind) => this.tlsAt(kind)),
      sent: this.sent,
      received: this.received,
      times: buckets === undefined ? null : (buckets.map(boundOf) as [number, number, number]),
    };
  }
}

const SHARES = [0.5, 0.95, 0.99] as const;
