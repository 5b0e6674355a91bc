import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { Socket } from 'node:net';
import type { Identity } from './names.ts';

/** Scrapers are few and ask for little; everybody else in the applications' networks reaches the port as well. */
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
  /** Whoever shows it is told. */
  readonly token: string;
  readonly metrics: () => Promise<string>;
}

/** `GET /metrics` over TLS, for those who show the token as `Authorization: Bearer <token>`; nothing else. It keeps no process alive. */
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
  // Who does not read the answer does not keep it in memory.
  server.setTimeout(ANSWER_MS, (socket) => socket.destroy());
  // The agent ends with nginx, whoever is connected.
  server.on('connection', (socket) => (socket as Socket).unref());
  return server.unref();
}

/** Its body is not waited for. */
function refuse(response: ServerResponse, status: number, headers: Readonly<Record<string, string>> = {}): void {
  response.writeHead(status, { ...headers, connection: 'close', 'content-length': '0' }).end();
}

/** Of equal length, whatever somebody shows. */
function digestOf(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
