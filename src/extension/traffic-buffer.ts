import { randomBytes } from 'node:crypto';
import { orAborted } from '../lib/or-aborted.ts';
import type { TrafficRequest, TrafficResponse } from '../protocol/traffic-messages.ts';

/** Controllers fetch reports at once. A controller that was away for longer misses some. */
const KEPT_MS = 60_000;
/** Rows of all reports; each takes about 400 bytes. */
const MOST_ROWS = 40_000;
/** Reports in one response. */
const MOST_REPORTS = 200;
/** Agents report every 5 s. */
const SILENCE_MS = 120_000;

interface Kept {
  readonly position: number;
  readonly at: number;
  readonly report: Omit<TrafficRequest, 'instance'>;
}

/** Keeps the agents' reports about requests until the controllers have fetched them. */
export class TrafficBuffer {
  readonly #now: () => number;
  /** Distinguishes the positions of this process from those of the one before. */
  readonly #epoch = randomBytes(8).toString('hex');
  #kept: Kept[] = [];
  #rows = 0;
  #position = 0;
  /** The last report of each task. */
  readonly #last = new Map<string, { readonly instance: string; readonly number: number; readonly at: number }>();
  #change = Promise.withResolvers<void>();

  constructor(now: () => number) {
    this.#now = now;
  }

  add({ instance, ...report }: TrafficRequest): void {
    const at = this.#now();
    const last = this.#last.get(report.task);
    // The agent did not receive the answer and has repeated the report.
    if (last?.instance === instance && report.number <= last.number) return;
    this.#last.set(report.task, { instance, number: report.number, at });
    this.#position += 1;
    this.#kept.push({ position: this.#position, at, report });
    this.#rows += report.rows.length;
    this.#forget(at);
    this.#change.resolve();
    this.#change = Promise.withResolvers();
  }

  #forget(now: number): void {
    while (this.#kept[0] && (now - this.#kept[0].at > KEPT_MS || this.#rows > MOST_ROWS)) {
      this.#rows -= this.#kept[0].report.rows.length;
      this.#kept.shift();
    }
    for (const [task, { at }] of this.#last) if (now - at > SILENCE_MS) this.#last.delete(task);
  }

  /** The reports after a cursor. Waits for the next one, at most until the signal aborts. */
  async after(cursor: string, signal: AbortSignal): Promise<TrafficResponse> {
    const [epoch, position] = cursor.split('-');
    const known = epoch === this.#epoch ? Number(position) : 0;
    if (known >= this.#position) await orAborted(this.#change.promise, signal);
    const now = this.#now();
    const found = this.#kept.filter((one) => one.position > known && now - one.at <= KEPT_MS).slice(0, MOST_REPORTS);
    return {
      cursor: `${this.#epoch}-${found.at(-1)?.position ?? known}`,
      reports: found.map(({ at, report }) => ({ ...report, age: now - at })),
    };
  }
}
