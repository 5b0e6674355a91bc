import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { Socket } from 'node:net';
import { networkInterfaces } from 'node:os';
import { plainAddress } from '../lib/plain-address.ts';
import { isWithin } from '../lib/subnet.ts';
import type { Identity } from './names.ts';

/** Scrapers are few and send small requests. Other containers in the same networks can also reach the port. */
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
  readonly identity: Pick<Identity, 'cert' | 'key'>;
  /** Whether a request with this header `Authorization` may read the metrics. */
  readonly isAllowed: (authorization: string) => boolean | Promise<boolean>;
  /** Subnets of the only network whose clients are accepted. Without it, clients of all networks are. */
  readonly onlyFrom?: readonly string[] | undefined;
  readonly metrics: () => Promise<string>;
}

/** Serves `GET /metrics` over TLS to authorized clients, and nothing else. Does not keep the process alive. */
export function createMetricsServer({ identity, isAllowed, onlyFrom, metrics }: MetricsServerOptions): Server {
  const { cert, key } = identity;
  const respond = async ({ headers, url, method }: IncomingMessage, response: ServerResponse) => {
    if (!(await isAllowed(headers.authorization ?? ''))) return refuse(response, 401, { 'www-authenticate': 'Bearer' });
    if (url !== '/metrics') return refuse(response, 404);
    if (method !== 'GET') return refuse(response, 405, { allow: 'GET' });
    const text = await metrics();
    response.writeHead(200, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' }).end(text);
  };
  const server = createServer({ cert, key, minVersion: 'TLSv1.2', ...LIMITS }, (request, response) => {
    respond(request, response).catch(() => refuse(response, 500));
  });
  server.maxConnections = MOST_CONNECTIONS;
  // A client that does not read the response must not keep it in memory.
  server.setTimeout(ANSWER_MS, (socket) => socket.destroy());
  server.on('connection', (socket: Socket) => {
    if (onlyFrom && !isFrom(socket, onlyFrom)) socket.destroy();
    // Open connections must not keep the agent alive once nginx has ended.
    socket.unref();
  });
  return server.unref();
}

/**
 * Listening on an address of the network is not enough: Linux also accepts packets for this address that arrive from
 * other networks. The client's address decides where answers go, so a client elsewhere cannot complete a handshake
 * with an address of the network.
 */
function isFrom({ remoteAddress, localAddress }: Socket, subnets: readonly string[]): boolean {
  const isInside = (address = '') => subnets.some((subnet) => isWithin(plainAddress(address), subnet) === true);
  return isInside(remoteAddress) && isInside(localAddress);
}

/** This container's address in a network with these subnets. */
export function ownAddressIn(subnets: readonly string[], interfaces = networkInterfaces()): string | undefined {
  const addresses = Object.values(interfaces).flatMap((found) => found ?? []);
  // Virtual addresses of services are single addresses (/32), and may be on the interface as well.
  return addresses.find(
    ({ address, netmask }) =>
      netmask !== '255.255.255.255' && subnets.some((subnet) => isWithin(address, subnet) === true),
  )?.address;
}

/** Accepts the header `Authorization: Bearer <token>`. */
export function acceptToken(token: string): (authorization: string) => boolean {
  const expected = digestOf(`Bearer ${token}`);
  return (authorization) => timingSafeEqual(digestOf(authorization), expected);
}

/** Does not wait for the request's body. */
function refuse(response: ServerResponse, status: number, headers: Readonly<Record<string, string>> = {}): void {
  response.writeHead(status, { ...headers, connection: 'close', 'content-length': '0' }).end();
}

/** All digests have the same length, for a comparison in constant time. */
function digestOf(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
