import { closeSync, fstatSync, ftruncateSync, openSync, readSync } from 'node:fs';
import { CONNECTION_FORMAT, REQUEST_FORMAT } from '../metrics/request-counts.ts';
import { ERROR_FORMAT } from '../metrics/request-errors.ts';

/** nginx's logs for the agent, in its folder. Each has one reader, which empties it. */
export const agentLogs = {
  requests: 'requests.log',
  serverErrors: 'server-errors.log',
  /** What nginx itself complains about. */
  nginxErrors: 'nginx-errors.log',
} as const;

/** Counts the lines. */
export interface LineCounter {
  /** Takes complete lines. */
  take(text: string): void;
  /** Number of lines that were dropped. */
  lost: number;
}

const CHUNK_BYTES = 64 * 1024;
/** The file is in memory. It is emptied once it is read and larger than this. */
const KEPT_BYTES = 4 * 1024 * 1024;
/** If more than this is waiting, the lines are only counted as lost, which takes a fiftieth of the time. */
const READ_BYTES = 16 * 1024 * 1024;
const NEWLINE = 0x0a;

/**
 * The text that templates/http.hbs includes. Buffered, so that a request causes no write: nginx writes 64 KB at a time, or what it has after a
 * second. Locations set the route's path unless it is the root. `geo` gives it a default, because a `map` must not precede `map_hash_bucket_size` in
 * versions of earlier releases.
 */
export function requestLogConfiguration(path: string): string {
  return [
    'geo $route_path { default "/"; }',
    `log_format signalbox_requests escape=none '${REQUEST_FORMAT}';`,
    `access_log ${path} signalbox_requests buffer=64k flush=1s;`,
    '',
  ].join('\n');
}

/**
 * The texts that templates/stream.hbs includes, and each server in it, which has a log of its own besides. A connection is
 * a line of the same log, written when it ends.
 */
export function connectionLogConfiguration(path: string): { readonly format: string; readonly log: string } {
  return {
    format: `log_format signalbox_connections escape=none '${CONNECTION_FORMAT}';\n`,
    log: `access_log ${path} signalbox_connections buffer=64k flush=1s;\n`,
  };
}

/** The text that templates/http.hbs includes where its variables are defined: logs only requests that are answered with 5xx. */
export function errorLogConfiguration(path: string): string {
  return [
    'map $status $is_server_error { default 0; 200 0; 304 0; 404 0; "~^5" 1; }',
    `log_format signalbox_errors escape=json '${ERROR_FORMAT}';`,
    `access_log ${path} signalbox_errors buffer=64k flush=1s if=$is_server_error;`,
    '',
  ].join('\n');
}

/**
 * A log that nginx appends to and only the agent reads. It is emptied in place and not rotated: rotation requires a signal to nginx, and old workers
 * would keep writing to the old file until they end. Lines written in the microseconds between the last read and the truncation are lost; a worker
 * writes only once a second, or 64 KB. All calls are synchronous: reading memory never waits.
 */
export class RequestLog implements Disposable {
  readonly #file: number;
  readonly #lines: LineCounter;
  readonly #chunk = Buffer.allocUnsafeSlow(CHUNK_BYTES);
  #position = 0;

  /** Creates the file before nginx opens it. */
  constructor(path: string, lines: LineCounter) {
    this.#file = openSync(path, 'w+', 0o600);
    this.#lines = lines;
  }

  /** Counts all lines written since the last call. */
  read(): void {
    const isLate = fstatSync(this.#file).size - this.#position > READ_BYTES;
    while (this.#readChunk(isLate)) {}
    if (this.#position > KEPT_BYTES && fstatSync(this.#file).size === this.#position) {
      ftruncateSync(this.#file, 0);
      this.#position = 0;
    }
  }

  /** Returns false at the end of the file. */
  #readChunk(isLate: boolean): boolean {
    const length = readSync(this.#file, this.#chunk, 0, CHUNK_BYTES, this.#position);
    const whole = this.#chunk.subarray(0, length).lastIndexOf(NEWLINE) + 1;
    if (isLate) this.#lines.lost += countLines(this.#chunk.subarray(0, whole));
    else this.#lines.take(this.#chunk.toString('latin1', 0, whole));
    // nginx never writes a line this long.
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
