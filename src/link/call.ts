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
  /** Without a sign of life for so long the call has failed. */
  readonly timeoutMs: number;
}

export interface Answer {
  readonly status: number;
  readonly text: string;
}

/** One request on the control channel. */
export function send({ body, timeoutMs, ...call }: Call, signal: AbortSignal): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  const onResponse = (response: IncomingMessage) => {
    readBody(response).then((text) => resolve({ status: response.statusCode ?? 0, text }), reject);
  };
  const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
  const outgoing = request({ ...call, headers, timeout: timeoutMs, signal }, onResponse);
  outgoing.on('timeout', () => outgoing.destroy(new Error('it takes too long')));
  outgoing.on('error', reject);
  outgoing.end(body);
  return promise;
}

/** Longer than requests are held. */
export const HELD_TIMEOUT_MS = 40_000;
