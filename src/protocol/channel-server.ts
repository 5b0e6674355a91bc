import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { TLSSocket } from 'node:tls';
import { SIGN_OF_LIFE_MS } from './call.ts';
import type { Identity } from './names.ts';

export interface Reply {
  readonly status: number;
  /** Sent as JSON. */
  readonly body?: unknown;
}

/** Answers one kind of request. `gone` aborts when the client has closed the connection. */
export type Handler = (request: IncomingMessage, gone: AbortSignal) => Promise<Reply>;

/** By method and first segment of the path, such as `GET /state`. */
export type Handlers = Readonly<Record<string, Handler>>;

export interface ChannelServerOptions {
  readonly identity: Identity;
  /** What clients may request, by the name in their certificate. All other clients receive 403. */
  readonly roles: Readonly<Record<string, Handlers>>;
  readonly maxConnections: number;
  readonly onFailure: (error: Error) => void;
}

const LIMITS = {
  maxHeaderSize: 8192,
  handshakeTimeout: 10_000,
  headersTimeout: 10_000,
  requestTimeout: 60_000,
} as const;

/**
 * A server on the control channel. Certificates of clients must be issued by the CA of the server's own identity. During
 * a request it sends `102 Processing` every second.
 */
export function createChannelServer({ identity, roles, maxConnections, onFailure }: ChannelServerOptions): Server {
  const tls = { ...identity, requestCert: true, rejectUnauthorized: true, minVersion: 'TLSv1.3' as const };
  const server = createServer({ ...tls, ...LIMITS }, (request, response) => {
    answer(roles, request, response).catch((error: Error) => {
      if (response.destroyed) return;
      onFailure(error);
      send(response, { status: 500, body: { error: error.message } });
    });
  });
  server.maxConnections = maxConnections;
  return server;
}

async function answer(
  roles: ChannelServerOptions['roles'],
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const subject = (request.socket as TLSSocket).getPeerX509Certificate()?.subject;
  const [, handlers] = Object.entries(roles).find(([name]) => subject === `CN=${name}`) ?? [];
  if (handlers === undefined)
    return send(response, { status: 403, body: { error: 'Forbidden: this certificate may not use this channel' } });
  const kind = `${request.method} /${(request.url ?? '').split('/')[1]}`;
  const handler = Object.hasOwn(handlers, kind) ? handlers[kind] : undefined;
  if (handler === undefined) return send(response, { status: 404, body: { error: 'Not found' } });
  const gone = new AbortController();
  response.on('close', () => gone.abort());
  // Lets the client distinguish a busy server from a hanging one or a lost node.
  const signs = setInterval(() => signOfLife(response), SIGN_OF_LIFE_MS);
  try {
    send(response, await handler(request, gone.signal));
  } finally {
    clearInterval(signs);
  }
}

/** `102 Processing` may be sent any number of times before the response. */
function signOfLife(response: ServerResponse): void {
  if (!response.headersSent && !response.destroyed) response.writeProcessing();
}

function send(response: ServerResponse, { status, body }: Reply): void {
  if (response.headersSent || response.destroyed) return;
  // The remainder of the body is not read.
  if (status === 413) response.setHeader('connection', 'close');
  if (body === undefined) response.writeHead(status).end();
  else response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}
