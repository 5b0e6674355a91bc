import { createServer, get, type Server } from 'node:http';
import type { Responders } from '../task-secrets.ts';

/** nginx sends its OCSP requests here, see templates/material.hbs; nothing else can reach it. */
const HOST = '127.0.0.1';
const PORT = 10247;
/** After each reload, every nginx worker requests again. */
const KEPT_MS = 15 * 60_000;
const TIMEOUT_MS = 10_000;
const MOST_BYTES = 64 * 1024;

/**
 * Queries OCSP responders on behalf of nginx. nginx itself would resolve their names whenever it loads a configuration, and wait for the answer: one
 * certificate whose responder cannot be resolved would delay all changes. Requests and responses are passed on unchanged; nginx verifies the
 * signature. `GET /<secret>/<request>` returns the responder's answer, or 502. The server does not keep the process alive.
 */
export function createOcspRelay(responders: Responders): Server {
  const kept = new Map<string, { readonly path: string; readonly body: Buffer; readonly until: number }>();
  const ask = async (secret: string, path: string): Promise<Buffer> => {
    const known = kept.get(secret);
    if (known?.path === path && known.until > performance.now()) return known.body;
    const body = await fetchFrom(`${responders.get(secret)!.replace(/\/$/, '')}/${path}`);
    kept.set(secret, { path, body, until: performance.now() + KEPT_MS });
    return body;
  };
  const server = createServer((request, response) => {
    const [, secret = '', path = ''] = /^\/([A-Za-z0-9_.-]+)\/([A-Za-z0-9%]{1,2000})$/.exec(request.url ?? '') ?? [];
    if (request.method !== 'GET' || !responders.has(secret)) return void response.writeHead(404).end();
    ask(secret, path).then(
      (body) =>
        response
          .writeHead(200, { 'content-type': 'application/ocsp-response', 'content-length': body.length })
          .end(body),
      () => response.writeHead(502).end(),
    );
  });
  return server.unref();
}

export function startOcspRelay(responders: Responders, onError: (error: Error) => void): void {
  createOcspRelay(responders).on('error', onError).listen(PORT, HOST);
}

async function fetchFrom(url: string): Promise<Buffer> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  const signal = AbortSignal.timeout(TIMEOUT_MS);
  const request = get(url, { agent: false, signal, headers: { accept: 'application/ocsp-response' } }, (response) => {
    if (response.statusCode !== 200) return void request.destroy(new Error(`${url} returned ${response.statusCode}`));
    const chunks: Buffer[] = [];
    let bytes = 0;
    response.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > MOST_BYTES) request.destroy(new Error(`${url} returned too much data`));
      chunks.push(chunk);
    });
    response.on('end', () => resolve(Buffer.concat(chunks)));
    response.on('error', reject);
  });
  request.on('error', reject);
  return promise;
}
