import { closeSync, fstatSync, ftruncateSync, openSync, readSync } from 'node:fs';
import { REQUEST_FORMAT } from '../metrics/request-counts.ts';

/** Who counts the lines. */
export interface LineCounter {
  /** Takes whole lines. */
  take(text: string): void;
  /** Lines that it was not given. */
  lost: number;
}

const CHUNK_BYTES = 64 * 1024;
/** It lies in memory. Once it is read and longer than this, it is emptied. */
const KEPT_BYTES = 4 * 1024 * 1024;
/** Where more than this is waiting, its lines are only numbered, which takes a fiftieth of the time. */
const READ_BYTES = 16 * 1024 * 1024;
const NEWLINE = 0x0a;

/** What templates/http.hbs includes. In pieces, so that a request costs no write: of 64 KB, or what there is after a second. */
export function requestLogConfiguration(path: string): string {
  return [
    `log_format signalbox_requests escape=none '${REQUEST_FORMAT}';`,
    `access_log ${path} signalbox_requests buffer=64k flush=1s;`,
    '',
  ].join('\n');
}

/**
 * A log that nginx appends to and nobody else reads. It is emptied in place, not rotated: nginx would have to be told, and old workers would
 * write to the old file for as long as they live. What a worker writes between the last look and the emptying, some microseconds later, is
 * lost; it writes but once a second, or 64 KB. Everything is done at once: reading memory never waits.
 */
export class RequestLog implements Disposable {
  readonly #file: number;
  readonly #lines: LineCounter;
  readonly #chunk = Buffer.allocUnsafeSlow(CHUNK_BYTES);
  #position = 0;

  /** Makes the file; nginx then finds it. */
  constructor(path: string, lines: LineCounter) {
    this.#file = openSync(path, 'w+', 0o600);
    this.#lines = lines;
  }

  /** Has everything counted that was written since the last time. */
  read(): void {
    const isLate = fstatSync(this.#file).size - this.#position > READ_BYTES;
    while (this.#readChunk(isLate)) {}
    if (this.#position > KEPT_BYTES && fstatSync(this.#file).size === this.#position) {
      ftruncateSync(this.#file, 0);
      this.#position = 0;
    }
  }

  /** False at the end of what is there. */
  #readChunk(isLate: boolean): boolean {
    const length = readSync(this.#file, this.#chunk, 0, CHUNK_BYTES, this.#position);
    const whole = this.#chunk.subarray(0, length).lastIndexOf(NEWLINE) + 1;
    if (isLate) this.#lines.lost += countLines(this.#chunk.subarray(0, whole));
    else this.#lines.take(this.#chunk.toString('latin1', 0, whole));
    // No line of nginx is that long.
    this.#position += whole === 0 && length === CHUNK_BYTES ? length : whole;
    return length === CHUNK_BYTES;
  }

  [Symbol.dispose](): void {
    closeSync(this.#file);
  }
}

function countLines(bytes: Buffer): number {
  let count = 0;
  for (let at = bytes.indexOf(NEWLINE); at !== -1; at = bytes.indexOf(NEWLINE, at + 1)) count += 1;
  return count;
}
