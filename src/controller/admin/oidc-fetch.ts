import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { CustomFetch, CustomFetchOptions } from 'openid-client';

const TIMEOUT_MS = 10_000;
const MAX_BYTES = 1024 * 1024;

/**
 * Requests to the OpenID provider. Node's `fetch` supports neither a custom CA nor a size limit: an endless response must not exhaust the
 * controller's memory.
 */
export function oidcFetch(ca: string | undefined): CustomFetch {
  return async (url, { method, headers, body, signal }) => {
    const { promise, resolve, reject } = Promise.withResolvers<Response>();
    const deadline = AbortSignal.timeout(TIMEOUT_MS);
    const options = { method, headers, signal: signal === undefined ? deadline : AbortSignal.any([signal, deadline]) };
    const start = new URL(url).protocol === 'http:' ? httpRequest : httpsRequest;
    const outgoing = start(url, { ...options, agent: false, ...(ca === undefined ? {} : { ca }) }, (answer) => {
      const chunks: Buffer[] = [];
      let size = 0;
      answer.on('data', (chunk: Buffer) => {
        size += chunk.length;
        if (size > MAX_BYTES) outgoing.destroy(new Error(`the answer is longer than ${MAX_BYTES} bytes`));
        else chunks.push(chunk);
      });
      answer.on('error', reject);
      answer.on('end', () => resolve(toResponse(answer.statusCode ?? 500, answer.headers, Buffer.concat(chunks))));
    });
    outgoing.on('error', reject);
    outgoing.end(toBytes(body));
    return promise;
  };
}

function toResponse(status: number, headers: Readonly<Record<string, unknown>>, body: Buffer): Response {
  const single = Object.entries(headers).map(([name, value]): [string, string] => [name, String(value)]);
  const hasBody = status >= 200 && ![204, 205, 304].includes(status);
  return new Response(hasBody ? new Uint8Array(body) : null, { status: Math.max(200, status), headers: single });
}

function toBytes(body: CustomFetchOptions['body']): string | Uint8Array | undefined {
  if (body === null || body === undefined) return undefined;
  if (body instanceof ArrayBuffer) return new Uint8Array(body);
  if (body instanceof Uint8Array) return body;
  return String(body);
}
