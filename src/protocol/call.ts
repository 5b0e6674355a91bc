import type { IncomingMessage } from 'node:http';
import { type Agent, request } from 'node:https';
import { readBody } from './read-body.ts';

export interface Call {
  /** Name of the service to call. */
  readonly host: string;
  readonly port: number;
  readonly agent: Agent;
  /** Required name in the server's certificate. It is a role: any other server behind the service's name is rejected. */
  readonly servername: string;
  readonly method: string;
  readonly path: string;
  readonly body: string;
  /** Timeout for the complete response. Single bytes do not extend it. */
  readonly timeoutMs: number;
  /**
   * The connection counts as dead after this time without data. Extensions send data every second while they work on a
   * request.
   */
  readonly silenceMs?: number | undefined;
  /** Size limit of the response. */
  readonly maxBytes?: number | undefined;
}

export interface Answer {
  readonly status: number;
  readonly text: string;
}

/** One request on the control channel. */
export async function send({ body, timeoutMs, maxBytes, ...call }: Call, signal: AbortSignal): Promise<Answer> {
  const deadline = AbortSignal.timeout(timeoutMs);
  try {
    return await exchange({ body, maxBytes, ...call }, AbortSignal.any([signal, deadline]));
  } catch (error) {
    if (deadline.aborted && !signal.aborted) throw new Error(`timed out after ${timeoutMs / 1000} s`);
    throw error;
  }
}

function exchange(
  { body, maxBytes, silenceMs, ...call }: Omit<Call, 'timeoutMs'>,
  signal: AbortSignal,
): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  const tooLong = () => outgoing.destroy(new Error(`no data for ${silenceMs! / 1000} s`));
  const silence = silenceMs === undefined ? undefined : setTimeout(tooLong, silenceMs);
  const onSign = () => void silence?.refresh();
  const onResponse = (response: IncomingMessage) => {
    response.on('data', onSign);
    readBody(response, maxBytes).then((text) => resolve({ status: response.statusCode ?? 0, text }), reject);
  };
  const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
  const outgoing = request({ ...call, headers, signal }, onResponse);
  outgoing.on('error', reject);
  outgoing.on('information', onSign);
  outgoing.end(body);
  // A request that waits for a connection ends only once it has one.
  const abort = () => reject(signal.reason);
  signal.addEventListener('abort', abort, { once: true });
  return promise.finally(() => {
    signal.removeEventListener('abort', abort);
    clearTimeout(silence);
  });
}

/** See `Call.silenceMs`. Long enough for an extension that renders thousands of routes. */
export const SILENCE_MS = 5000;
/** Interval of an extension's signs of life. */
export const SIGN_OF_LIFE_MS = 1000;
/** Longer than the maximum time a request is held. */
export const HELD_TIMEOUT_MS = 40_000;
