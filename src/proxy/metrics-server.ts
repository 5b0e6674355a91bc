import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { Socket } from 'node:net';
import type { Identity } from '../protocol/names.ts';

/** Scrapers are few and send small requests. Other containers in the applications' networks can also reach the port. */
const LIMITS = {
  maxHeaderSize: 4096,
  handshakeTimeout: 5000,
  headersTimeout: 5000,
  requestTimeout: 10_000,
  connectionsCheckingInterval: 2000,
  keepAliveTimeout: 5000,
} as const;
const MOST_CONNECTIONS = 64;
const ANSWER_MS = 10_000;

export interface MetricsServerOptions {
  readonly identity: Identity;
  /** Required for access to the metrics. */
  readonly token: string;
  readonly metrics: () => Promise<string>;
}

/** Serves `GET /metrics` over TLS, authenticated by `Authorization: Bearer <token>`, and nothing else. Does not keep the process alive. */
export function createMetricsServer({ identity, token, metrics }: MetricsServerOptions): Server {
  const { cert, key } = identity;
  const wanted = digestOf(`Bearer ${token}`);
  const isAllowed = ({ headers }: IncomingMessage) => timingSafeEqual(digestOf(headers.authorization ?? ''), wanted);
  const server = createServer({ cert, key, minVersion: 'TLSv1.2', ...LIMITS }, (request, response) => {
    if (!isAllowed(request)) return refuse(response, 401, { 'www-authenticate': 'Bearer' });
    if (request.url !== '/metrics') return refuse(response, 404);
    if (request.method !== 'GET') return refuse(response, 405, { allow: 'GET' });
    metrics().then(
      (text) => response.writeHead(200, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' }).end(text),
      () => refuse(response, 500),
    );
  });
  server.maxConnections = MOST_CONNECTIONS;
  // A client that does not read the response must not keep it in memory.
  server.setTimeout(ANSWER_MS, (socket) => socket.destroy());
  // Open connections must not keep the agent alive once nginx has ended.
  server.on('connection', (socket) => (socket as Socket).unref());
  return server.unref();
}

/** Does not wait for the request's body. */
function refuse(response: ServerResponse, status: number, headers: Readonly<Record<string, string>> = {}): void {
  response.writeHead(status, { ...headers, connection: 'close', 'content-length': '0' }).end();
}

/** All digests have the same length, for a comparison in constant time. */
function digestOf(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
