import { request } from 'node:https';
import { readBody } from '../protocol/read-body.ts';

const TIMEOUT_MS = 15_000;
const MOST_BYTES = 64 * 1024;

/** A resource of a CA. `ca`: the trusted root, in PEM. */
export async function getJson(url: string, ca: string | undefined) {
  const { promise, resolve, reject } = Promise.withResolvers<{ body: unknown; retryAfterMs: number | undefined }>();
  const options = { ...(ca === undefined ? {} : { ca }), signal: AbortSignal.timeout(TIMEOUT_MS) };
  request(url, { ...options, headers: { 'user-agent': 'signalbox' } }, (response) => {
    readBody(response, MOST_BYTES)
      .then((text) => {
        if (response.statusCode !== 200) throw new Error(`${new URL(url).host} answers ${response.statusCode}`);
        const seconds = Number(response.headers['retry-after']);
        resolve({ body: JSON.parse(text), retryAfterMs: Number.isFinite(seconds) ? seconds * 1000 : undefined });
      })
      .catch(reject);
  })
    .on('error', reject)
    .end();
  return promise;
}
