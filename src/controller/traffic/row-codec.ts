import { boundOf } from '../../model/time-buckets.ts';
import { STATUS_CLASSES, TLS_KINDS } from '../../model/traffic.ts';
import type { Row, Sums } from './sums.ts';

/** Flags of a row's first byte. The two lowest bits are the TLS kind of all requests, or MIXED. */
const MIXED = 3;
const HAS_GAP = 4;
/** Requests with other classes than 2xx. */
const HAS_OTHERS = 8;
const HAS_TIMES = 16;
/** All percentiles are the same. */
const IS_ONE_TIME = 32;

/** Larger than any encoded row. */
export const MOST_ROW_BYTES = 96;
const OK = STATUS_CLASSES.indexOf('2xx');
/** The distance of two percentiles in buckets. */
const MOST_DISTANCE = 31;

/** Writes a row and returns the position behind it. `gap` is the number of steps without a row before this one. */
export function writeRow(bytes: Uint8Array, start: number, gap: number, sums: Sums): number {
  const kind = onlyKind(sums);
  const others = otherClasses(sums);
  const times = sums.percentiles;
  const isOneTime = times !== undefined && times[0] === times[2];
  bytes[start] =
    kind |
    (gap > 0 ? HAS_GAP : 0) |
    (others > 0 ? HAS_OTHERS : 0) |
    (times ? HAS_TIMES : 0) |
    (isOneTime ? IS_ONE_TIME : 0);
  let at = start + 1;
  if (gap > 0) at = writeNumber(bytes, at, gap);
  at = writeNumber(bytes, at, sums.classAt(OK));
  if (others > 0) at = writeOthers(bytes, at, others, sums);
  if (kind === MIXED) at = writeTls(bytes, at, sums);
  at = writeBytes(bytes, at, sums);
  return times === undefined ? at : writeTimes(bytes, at, times, isOneTime);
}

/** The TLS kind of all requests, or MIXED. */
function onlyKind(sums: Sums): number {
  let only = -1;
  for (let kind = 0; kind < TLS_KINDS.length; kind += 1) {
    if (sums.tlsAt(kind) === 0) continue;
    if (only !== -1) return MIXED;
    only = kind;
  }
  return only === -1 ? MIXED : Math.min(only, MIXED);
}

/** A bit for each class but 2xx that has requests. */
function otherClasses(sums: Sums): number {
  let mask = 0;
  for (let kind = 0; kind < STATUS_CLASSES.length; kind += 1)
    if (kind !== OK && sums.classAt(kind) > 0) mask |= 1 << kind;
  return mask;
}

function writeOthers(bytes: Uint8Array, start: number, mask: number, sums: Sums): number {
  bytes[start] = mask;
  let at = start + 1;
  for (let kind = 0; kind < STATUS_CLASSES.length; kind += 1)
    if (mask & (1 << kind)) at = writeNumber(bytes, at, sums.classAt(kind));
  return at;
}

function writeTls(bytes: Uint8Array, start: number, sums: Sums): number {
  let at = start;
  for (let kind = 0; kind < TLS_KINDS.length; kind += 1) at = writeNumber(bytes, at, sums.tlsAt(kind));
  return at;
}

function writeBytes(bytes: Uint8Array, at: number, sums: Pick<Sums, 'sent' | 'received'>): number {
  const sent = toLogarithm(sums.sent);
  const received = toLogarithm(sums.received);
  bytes[at] = sent & 255;
  bytes[at + 1] = (sent >> 8) | ((received & 15) << 4);
  bytes[at + 2] = received >> 4;
  return at + 3;
}

function writeTimes(bytes: Uint8Array, at: number, [p50, p95, p99]: readonly number[], isOneTime: boolean): number {
  const packed = p50! | (Math.min(MOST_DISTANCE, p95! - p50!) << 6) | (Math.min(MOST_DISTANCE, p99! - p95!) << 11);
  bytes[at] = isOneTime ? p50! : packed & 255;
  bytes[at + 1] = packed >> 8;
  return at + (isOneTime ? 1 : 2);
}

/** Reads rows from bytes. */
export class RowReader {
  readonly #bytes: Uint8Array;
  at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** The row at the position, and the steps without a row before it. */
  next(): { readonly gap: number; readonly row: Row } {
    const bytes = this.#bytes;
    const flags = bytes[this.at++]!;
    const gap = flags & HAS_GAP ? this.#number() : 0;
    const classes = [0, 0, 0, 0, 0, 0];
    classes[OK] = this.#number();
    const others = flags & HAS_OTHERS ? bytes[this.at++]! : 0;
    for (let position = 0; others >> position > 0; position += 1)
      if (others & (1 << position)) classes[position] = this.#number();
    const tls = [0, 0, 0, 0];
    const kind = flags & MIXED;
    if (kind === MIXED) for (let position = 0; position < tls.length; position += 1) tls[position] = this.#number();
    else tls[kind] = classes.reduce((sum, count) => sum + count, 0);
    const low = bytes[this.at++]!;
    const middle = bytes[this.at++]!;
    const high = bytes[this.at++]!;
    const sent = fromLogarithm(low | ((middle & 15) << 8));
    const received = fromLogarithm((middle >> 4) | (high << 4));
    return { gap, row: { classes, tls, sent, received, times: flags & HAS_TIMES ? this.#times(flags) : null } };
  }

  #times(flags: number): [number, number, number] {
    const first = this.#bytes[this.at++]!;
    if (flags & IS_ONE_TIME) {
      const ms = boundOf(first);
      return [ms, ms, ms];
    }
    const packed = first | (this.#bytes[this.at++]! << 8);
    const p50 = packed & 63;
    const p95 = p50 + ((packed >> 6) & 31);
    return [boundOf(p50), boundOf(p95), boundOf(p95 + (packed >> 11))];
  }

  #number(): number {
    let value = 0;
    let factor = 1;
    for (;;) {
      const byte = this.#bytes[this.at++]!;
      value += (byte & 127) * factor;
      if (byte < 128) return value;
      factor *= 128;
    }
  }
}

/** Seven bits a byte, the lowest first. */
function writeNumber(bytes: Uint8Array, start: number, value: number): number {
  let at = start;
  let rest = value;
  while (rest > 127) {
    bytes[at++] = 128 | (rest % 128);
    rest = Math.floor(rest / 128);
  }
  bytes[at++] = rest;
  return at;
}

/** Twelve bits for numbers up to 2 ^ 44, with an error of at most 0.4 %. */
const MOST_LOGARITHM = 4095;
const PER_DOUBLING = 93;

function toLogarithm(value: number): number {
  return value < 1 ? 0 : Math.min(MOST_LOGARITHM, 1 + Math.round(Math.log2(value) * PER_DOUBLING));
}

function fromLogarithm(code: number): number {
  return code === 0 ? 0 : Math.round(2 ** ((code - 1) / PER_DOUBLING));
}
