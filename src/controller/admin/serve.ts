import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http';
import { createServer, type Server } from 'node:https';
import { BlockList, isIPv6, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { getRequestListener } from '@hono/node-server';
import { plainAddress } from '../../lib/plain-address.ts';
import { clientOf } from './attempts.ts';
import { Refusal, toResponse } from './problem-details.ts';
import { acceptRelayed } from './relayed.ts';
import { securityHeaders } from './security-headers.ts';

export interface ServeOptions {
  readonly app: { fetch(request: Request, env?: unknown): Response | Promise<Response> };
  readonly port: number;
  readonly cert: string;
  readonly key: string;
  readonly limits?: Partial<Limits>;
  /**
   * Subnets of networks on which connections are rejected, such as `10.0.1.0/24`: the port is published on the others.
   */
  readonly closedTo?: readonly string[];
  /** Subnets of the network on which relays forward connections. */
  readonly relayedFrom?: readonly string[];
}

interface Limits {
  readonly connections: number;
  /** Limit per client, so that one client cannot use all connections. */
  readonly connectionsOfClient: number;
  /** Timeout for the TLS handshake, and then for a request's headers. */
  readonly headersMs: number;
  readonly requestMs: number;
  /** Timeout without a byte in either direction. Event streams send data every 15 s. */
  readonly silenceMs: number;
}

const defaultLimits: Limits = {
  connections: 512,
  connectionsOfClient: 128,
  headersMs: 10_000,
  requestMs: 30_000,
  silenceMs: 60_000,
};

/** The ciphers of TLS 1.3, and those of TLS 1.2 with forward secrecy and authenticated encryption (AEAD). */
const CIPHERS = [
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
  'TLS_AES_128_GCM_SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305',
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
].join(':');

/** Serves the admin interface over TLS until the signal aborts. */
export function serveAdmin(
  { app, port, cert, key, limits: given, closedTo = [], relayedFrom = [] }: ServeOptions,
  signal: AbortSignal,
): Server {
  const limits = { ...defaultLimits, ...given };
  const relayed = toBlockList(relayedFrom);
  const server = createServer(
    {
      cert,
      key,
      minVersion: 'TLSv1.2',
      ciphers: CIPHERS,
      honorCipherOrder: true,
      handshakeTimeout: limits.headersMs,
      headersTimeout: limits.headersMs,
      requestTimeout: limits.requestMs,
      connectionsCheckingInterval: Math.min(5000, limits.headersMs),
      // Requests without the header are rejected like others, with problem details.
      requireHostHeader: false,
    },
    getRequestListener((request, env) => app.fetch(request, env), { errorHandler: refuseRequest }),
  );
  server.maxConnections = limits.connections;
  server.setTimeout(limits.silenceMs);
  refuseFrom(server, closedTo);
  limitByClient(server, limits.connectionsOfClient);
  refuseOddRequests(server);
  acceptRelayed(server, (socket) => isListed(relayed, socket.localAddress), limits.headersMs);
  server.listen(port);
  signal.addEventListener(
    'abort',
    () => {
      server.close();
      // Open event streams would keep the server open.
      server.closeAllConnections();
    },
    { once: true },
  );
  return server;
}

function limitByClient(server: Server, most: number): void {
  const counts = new Map<string, number>();
  server.on('connection', (socket: Socket) => {
    const client = clientOf(socket.remoteAddress ?? '');
    const count = (counts.get(client) ?? 0) + 1;
    if (count > most) {
      socket.destroy();
      return;
    }
    counts.set(client, count);
    socket.once('close', () => {
      const left = (counts.get(client) ?? 1) - 1;
      if (left === 0) counts.delete(client);
      else counts.set(client, left);
    });
  });
}

/** Responds to requests that Node cannot parse, such as those with an invalid host. */
function refuseRequest(): Response {
  const response = toResponse(new Refusal(400, 'Bad request', 'The request line or the host is invalid.'));
  for (const [name, value] of Object.entries(securityHeaders)) response.headers.set(name, value);
  return response;
}

/** Handles requests that Node would otherwise answer itself, without a body and without our headers. */
function refuseOddRequests(server: Server): void {
  server.on('checkExpectation', (_request: IncomingMessage, response: ServerResponse) => {
    const { headers, body } = plainRefusal(417, 'The only supported expectation is 100-continue.');
    response.writeHead(417, headers).end(body);
  });
  server.on('connect', (_request, socket) =>
    refuseSocket(socket, 405, 'The controller is no proxy.', { allow: 'GET' }),
  );
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    if (error.code === 'ECONNRESET' || !socket.writable) socket.destroy();
    else if (error.code === 'HPE_HEADER_OVERFLOW') refuseSocket(socket, 431, 'The headers are too large.');
    else if (error.code === 'ERR_HTTP_REQUEST_TIMEOUT') refuseSocket(socket, 408, 'The request took too long.');
    else refuseSocket(socket, 400, 'This is not an HTTP request.');
  });
}

function refuseSocket(socket: Duplex, status: number, detail: string, more: Record<string, string> = {}): void {
  const { headers, body } = plainRefusal(status, detail);
  const lines = Object.entries({ ...headers, ...more }).map(([name, value]) => `${name}: ${value}`);
  socket.end([`HTTP/1.1 ${status} ${STATUS_CODES[status]}`, ...lines, '', body].join('\r\n'));
  // A client that does not read must not keep the connection open.
  setTimeout(() => socket.destroy(), 1000).unref();
}

function plainRefusal(status: number, detail: string) {
  const body = JSON.stringify({ type: 'about:blank', status, title: STATUS_CODES[status], detail });
  const headers = {
    ...securityHeaders,
    'content-type': 'application/problem+json',
    'content-length': String(Buffer.byteLength(body)),
    connection: 'close',
  };
  return { headers, body };
}

/** The local address shows which network a connection came from. */
function refuseFrom(server: Server, subnets: readonly string[]): void {
  const closed = toBlockList(subnets);
  server.on('connection', (socket: Socket) => {
    if (isListed(closed, socket.localAddress)) socket.destroy();
  });
}

function toBlockList(subnets: readonly string[]): BlockList {
  const list = new BlockList();
  for (const subnet of subnets) {
    const [address = '', length] = subnet.split('/');
    list.addSubnet(address, Number(length), familyOf(address));
  }
  return list;
}

/** A connection that has already ended has no address. */
function isListed(list: BlockList, address: string | undefined): boolean {
  const plain = plainAddress(address ?? '');
  return plain !== '' && list.check(plain, familyOf(plain));
}

function familyOf(address: string): 'ipv4' | 'ipv6' {
  return isIPv6(address) ? 'ipv6' : 'ipv4';
}
