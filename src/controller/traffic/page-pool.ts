import { MOST_ROW_BYTES, RowReader, writeRow } from './row-codec.ts';
import type { Row, Sums } from './sums.ts';

const PAGE_BYTES = 128;
const NONE = -1;
/** Pages that are freed at once when all are in use. */
const FREED_PAGES = 256;

/** The rows of one series in one resolution, the oldest first. Their bytes are in the pages of a pool. */
export class History {
  first = NONE;
  last = NONE;
  /** Step of the last row. */
  lastStep = NONE;
}

/**
 * Memory of a fixed size for the rows of many series, in steps of one length. Rows take few bytes and no row is stored for a step without requests, so the size that a series
 * needs depends on its traffic. If the pool is full, the oldest rows of all series are dropped.
 */
export class PagePool {
  readonly #bytes: Uint8Array;
  readonly #next: Int32Array;
  /** Step of the first row of each page. */
  readonly #step: Int32Array;
  readonly #used: Uint8Array;
  readonly #row = new Uint8Array(MOST_ROW_BYTES);
  readonly #histories: () => Iterable<History>;
  #free = 0;

  /** `histories` are all that have pages here. */
  constructor(bytes: number, histories: () => Iterable<History>) {
    const pages = Math.floor(bytes / (PAGE_BYTES + 9));
    this.#bytes = new Uint8Array(pages * PAGE_BYTES);
    this.#next = Int32Array.from({ length: pages }, (_, page) => (page + 1 < pages ? page + 1 : NONE));
    this.#step = new Int32Array(pages);
    this.#used = new Uint8Array(pages);
    this.#histories = histories;
  }

  append(history: History, step: number, sums: Sums): void {
    const gap = Math.max(0, step - history.lastStep - 1);
    const isStart = history.last === NONE;
    const length = isStart ? 0 : writeRow(this.#row, 0, gap, sums);
    if (!isStart && this.#used[history.last]! + length <= PAGE_BYTES) this.#write(history.last, length);
    else this.#write(this.#addPage(history, step), writeRow(this.#row, 0, 0, sums));
    history.lastStep = step;
  }

  #write(page: number, length: number): void {
    const start = page * PAGE_BYTES + this.#used[page]!;
    for (let at = 0; at < length; at += 1) this.#bytes[start + at] = this.#row[at]!;
    this.#used[page]! += length;
  }

  #addPage(history: History, step: number): number {
    if (this.#free === NONE) this.#makeRoom();
    const page = this.#free;
    this.#free = this.#next[page]!;
    this.#next[page] = NONE;
    this.#step[page] = step;
    this.#used[page] = 0;
    if (history.last === NONE) history.first = page;
    else this.#next[history.last] = page;
    history.last = page;
    return page;
  }

  /** Drops the rows before a step, by pages. */
  dropBefore(history: History, step: number): void {
    while (history.first !== NONE && this.#lastStepOf(history) < step) this.#freeFirst(history);
  }

  drop(history: History): void {
    while (history.first !== NONE) this.#freeFirst(history);
  }

  #lastStepOf(history: History): number {
    const next = this.#next[history.first]!;
    return next === NONE ? history.lastStep : this.#step[next]! - 1;
  }

  #freeFirst(history: History): void {
    const page = history.first;
    history.first = this.#next[page]!;
    if (history.first === NONE) history.last = NONE;
    this.#next[page] = this.#free;
    this.#free = page;
  }

  #makeRoom(): void {
    const old = [...this.#histories()]
      .filter(({ first }) => first !== NONE)
      .toSorted((a, b) => this.#step[a.first]! - this.#step[b.first]!);
    for (const history of old.slice(0, FREED_PAGES)) this.#freeFirst(history);
  }

  /** The rows from a step on, the oldest first. */
  *read(history: History, from: number): Generator<{ readonly step: number; readonly row: Row }> {
    for (let page = history.first; page !== NONE; page = this.#next[page]!) {
      const next = this.#next[page]!;
      if (next !== NONE && this.#step[next]! <= from) continue;
      const reader = new RowReader(this.#bytes.subarray(page * PAGE_BYTES, page * PAGE_BYTES + this.#used[page]!));
      let step = this.#step[page]! - 1;
      while (reader.at < this.#used[page]!) {
        const { gap, row } = reader.next();
        step += gap + 1;
        if (step >= from) yield { step, row };
      }
    }
  }
}
