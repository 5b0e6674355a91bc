import type { IncomingHttpHeaders } from 'node:http';
import type { Socket } from 'node:net';
import type { Readable, Writable } from 'node:stream';
import type { About } from './options.ts';

/** What HTTP/1.1 and HTTP/2 requests of Node have in common. */
export interface Incoming extends Readable {
  readonly method?: string | undefined;
  readonly url?: string | undefined;
  readonly httpVersion: string;
  readonly headers: IncomingHttpHeaders;
  readonly rawHeaders: string[];
  readonly socket: Socket;
}

/** What HTTP/1.1 and HTTP/2 responses of Node have in common. */
export interface Outgoing extends Writable {
  statusCode: number;
  readonly headersSent: boolean;
  setHeader(name: string, value: string | number): unknown;
}

/** The complete state of the application. */
export interface World {
  readonly about: About;
  readonly health: { healthy: boolean };
  /** Aborts when the stop signal arrives. */
  readonly stopping: AbortSignal;
}

export interface Exchange {
  readonly request: Incoming;
  readonly response: Outgoing;
  /** The path's parts between slashes, as sent. */
  readonly segments: readonly string[];
  readonly query: URLSearchParams;
  readonly world: World;
}

export type Handler = (exchange: Exchange) => void | Promise<void>;

/** A client error, answered with 400 and the message. */
export class BadRequest extends Error {}

// Not parsed with URL: it would read the second slash of '//x' as the start of a host, and tests send such paths on
// purpose.
export function parseTarget(target: string): { segments: string[]; query: URLSearchParams } {
  const [path = '', ...rest] = target.replace(/^https?:\/\/[^/?]*/, '').split('?');
  return { segments: path.split('/').filter((segment) => segment !== ''), query: new URLSearchParams(rest.join('?')) };
}

export function answer(response: Outgoing, status: number, type: string, body: string | Buffer): void {
  response.statusCode = status;
  response.setHeader('content-type', type);
  response.setHeader('content-length', Buffer.byteLength(body));
  response.end(body);
}

export function answerText(response: Outgoing, status: number, text: string): void {
  answer(response, status, 'text/plain; charset=utf-8', `${text}\n`);
}

export function answerJson(response: Outgoing, value: unknown): void {
  answer(response, 200, 'application/json', `${JSON.stringify(value)}\n`);
}

export function parseCount(name: string, text: string | null | undefined, fallback?: number): number {
  if (text === null || text === undefined) {
    if (fallback === undefined) throw new BadRequest(`${name} is missing`);
    return fallback;
  }
  if (!/^\d{1,10}$/.test(text)) throw new BadRequest(`${name} must be a whole number`);
  return Number(text);
}

/** Aborts when the client has disconnected or the answer is complete. */
export function untilGone(response: Outgoing): AbortSignal {
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  return gone.signal;
}
