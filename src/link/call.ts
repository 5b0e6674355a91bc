import type { IncomingMessage } from 'node:http';
import { type Agent, request } from 'node:https';
import { readBody } from './read-body.ts';

export interface Call {
  /** Name of the service that answers. */
  readonly host: string;
  readonly port: number;
  readonly agent: Agent;
  /** Name in the certificate of who may answer: it is a role, whoever else sits behind the name of the service is turned away. */
  readonly servername: string;
  readonly method: string;
  readonly path: string;
  readonly body: string;
  /** When the whole answer must be here. An end that sends a byte now and then gets no more time. */
  readonly timeoutMs: number;
  /** Who gives no sign of life for so long is taken for dead. Extensions give one every second while they work on a request. */
  readonly silenceMs?: number | undefined;
  /** Limit for the answer. */
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
  const tooLong = () => outgoing.destroy(new Error(`no sign of life for ${silenceMs! / 1000} s`));
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
  // A request without a connection ends only when there is one.
  const abort = () => reject(signal.reason);
  signal.addEventListener('abort', abort, { once: true });
  return promise.finally(() => {
    signal.removeEventListener('abort', abort);
    clearTimeout(silence);
  });
}

/** See `Call.silenceMs`; long enough for an extension that is busy with thousands of routes. */
export const SILENCE_MS = 5000;
/** How often an extension gives a sign of life. */
export const SIGN_OF_LIFE_MS = 1000;
/** Longer than requests are held. */
export const HELD_TIMEOUT_MS = 40_000;
