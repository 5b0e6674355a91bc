import { createHmac } from 'node:crypto';
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';

const TIMEOUT_MS = 10_000;

export interface Receiver {
  readonly url: URL;
  /** Undefined if requests are not signed. */
  readonly signingKey: string | undefined;
}

/**
 * Sends one request. Resolves if the answer is 2xx; otherwise throws an error without the URL, which is a secret. Redirects are not followed, and the
 * answer's body is not read.
 */
export async function post(
  { url, signingKey }: Receiver,
  body: string,
  now: number,
  signal: AbortSignal,
): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const start = url.protocol === 'https:' ? httpsRequest : httpRequest;
  const headers = {
    'content-type': 'application/json; charset=utf-8',
    'content-length': Buffer.byteLength(body),
    'user-agent': 'signalbox',
    ...(signingKey === undefined ? {} : signature(signingKey, Math.floor(now / 1000), body)),
  };
  const limits = { agent: false, signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]) };
  start(url, { method: 'POST', headers, ...limits }, (answer) => {
    const { statusCode: status = 0 } = answer;
    answer.destroy();
    if (status >= 200 && status < 300) resolve();
    else reject(new Error(`the receiver answered ${status}`));
  })
    .on('error', (error: NodeJS.ErrnoException) => reject(new Error(reasonOf(error))))
    .end(body);
  return promise;
}

/** The time is signed as well, so that a recorded request cannot be repeated later. */
function signature(key: string, seconds: number, body: string): Record<string, string> {
  const digest = createHmac('sha256', key).update(`${seconds}.${body}`).digest('hex');
  return { 'x-signalbox-timestamp': String(seconds), 'x-signalbox-signature': `sha256=${digest}` };
}

/** Messages of Node contain the host's name. */
function reasonOf({ code, name }: NodeJS.ErrnoException): string {
  if (name === 'AbortError' || name === 'TimeoutError') return 'the receiver did not answer in time';
  return `the request failed${code === undefined ? '' : `: ${code}`}`;
}
