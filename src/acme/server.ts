import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { TLSSocket } from 'node:tls';
import type { z } from 'zod';
import type { Logger } from '../lib/logger.ts';
import {
  OrderRequest,
  type OrderResponse,
  RenewalInfoRequest,
  type RenewalInfoResponse,
} from '../protocol/acme-messages.ts';
import { SIGN_OF_LIFE_MS } from '../protocol/call.ts';
import { controllerName, type Identity } from '../protocol/names.ts';
import { readBody, TooLargeError } from '../protocol/read-body.ts';

export interface AcmeServerOptions {
  readonly identity: Identity;
  readonly order: (request: OrderRequest) => Promise<OrderResponse>;
  readonly renewalInfo: (request: RenewalInfoRequest) => Promise<RenewalInfoResponse>;
  readonly logger: Logger;
}

const LIMITS = {
  maxHeaderSize: 8192,
  handshakeTimeout: 10_000,
  headersTimeout: 10_000,
  requestTimeout: 60_000,
} as const;
const MAX_CONNECTIONS = 64;
const MAX_REQUEST_BYTES = 64 * 1024;

/**
 * Accepts only the controller: its certificate must be issued by the same CA for its name.
 * - `POST /order` accepts an OrderRequest and returns an OrderResponse. It sends `102 Processing` every second.
 * - `POST /renewal-info` accepts a RenewalInfoRequest and returns a RenewalInfoResponse, or 502.
 * - `GET /health` returns 204.
 */
export function createAcmeServer(options: AcmeServerOptions): Server {
  const tls = { ...options.identity, requestCert: true, rejectUnauthorized: true, minVersion: 'TLSv1.3' as const };
  const server = createServer({ ...tls, ...LIMITS }, (request, response) => {
    answer(options, request, response).catch((error) => fail(options, response, error));
  });
  server.maxConnections = MAX_CONNECTIONS;
  return server;
}

async function answer(options: AcmeServerOptions, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const subject = (request.socket as TLSSocket).getPeerX509Certificate()?.subject;
  if (subject !== `CN=${controllerName}`) return send(response, 403, { error: 'Forbidden: only the controller' });
  const signs = setInterval(() => signOfLife(response), SIGN_OF_LIFE_MS);
  try {
    await route(options, request, response);
  } finally {
    clearInterval(signs);
  }
}

async function route(
  { order, renewalInfo, logger }: AcmeServerOptions,
  request: IncomingMessage,
  response: ServerResponse,
) {
  switch (`${request.method} ${request.url}`) {
    case 'GET /health':
      return send(response, 204);
    case 'POST /order': {
      const wanted = await parse(OrderRequest, request);
      const result = await order(wanted);
      const { names, directory } = wanted;
      if (result.kind === 'issued') logger.info({ names, serial: result.serial }, 'Certificate issued');
      else logger.warn({ names, directory, ...result.failure }, 'Order failed');
      return send(response, 200, result);
    }
    case 'POST /renewal-info':
      return send(response, 200, await renewalInfo(await parse(RenewalInfoRequest, request)));
    default:
      return send(response, 404, { error: 'Not found' });
  }
}

class BadRequest extends Error {}

async function parse<T>(schema: z.ZodType<T>, request: IncomingMessage): Promise<T> {
  const text = await readBody(request, MAX_REQUEST_BYTES);
  const { data, error } = schema.safeParse(toJson(text));
  if (data === undefined) throw new BadRequest(error?.issues[0]?.path.join('.') ?? '');
  return data;
}

function toJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new BadRequest('not JSON');
  }
}

function fail({ logger }: AcmeServerOptions, response: ServerResponse, error: unknown): void {
  if (response.destroyed) return;
  const { message } = error as Error;
  if (error instanceof BadRequest) send(response, 400, { error: `Invalid request: ${message}` });
  else if (error instanceof TooLargeError) send(response, 413, { error: message });
  else {
    logger.warn({ err: error }, 'Request failed');
    send(response, 502, { error: message });
  }
}

/** `102 Processing` may be sent any number of times before the response. */
function signOfLife(response: ServerResponse): void {
  if (!response.headersSent && !response.destroyed) response.writeProcessing();
}

function send(response: ServerResponse, status: number, body?: unknown): void {
  if (response.headersSent || response.destroyed) return;
  if (body === undefined) response.writeHead(status).end();
  else response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}
