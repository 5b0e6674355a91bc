import type { Server } from 'node:https';
import type { Logger } from '../lib/logger.ts';
import {
  LookupRequest,
  type LookupResponse,
  OrderRequest,
  type OrderResponse,
  RenewalInfoRequest,
  type RenewalInfoResponse,
} from '../protocol/acme-messages.ts';
import { createChannelServer, type Handlers, type Reply } from '../protocol/channel-server.ts';
import { controllerName, type Identity } from '../protocol/names.ts';
import { takeMessage } from '../protocol/take-message.ts';

export interface AcmeServerOptions {
  readonly identity: Identity;
  readonly order: (request: OrderRequest) => Promise<OrderResponse>;
  readonly renewalInfo: (request: RenewalInfoRequest) => Promise<RenewalInfoResponse>;
  readonly lookUp: (request: LookupRequest) => Promise<LookupResponse>;
  readonly logger: Logger;
}

const MAX_CONNECTIONS = 64;
const MAX_REQUEST_BYTES = 64 * 1024;

/**
 * Accepts only the controller.
 * - `POST /order` accepts an OrderRequest and returns an OrderResponse.
 * - `POST /renewal-info` accepts a RenewalInfoRequest and returns a RenewalInfoResponse, or 502.
 * - `POST /lookup` accepts a LookupRequest and returns a LookupResponse.
 * - `GET /health` returns 204.
 */
export function createAcmeServer(options: AcmeServerOptions): Server {
  const handlers: Handlers = {
    'GET /health': async () => ({ status: 204 }),
    'POST /order': (request) =>
      takeMessage(request, OrderRequest, MAX_REQUEST_BYTES, (wanted) => takeOrder(options, wanted)),
    'POST /renewal-info': (request) =>
      takeMessage(request, RenewalInfoRequest, MAX_REQUEST_BYTES, (asked) => findRenewalInfo(options, asked)),
    'POST /lookup': (request) =>
      takeMessage(request, LookupRequest, MAX_REQUEST_BYTES, async (asked) => ({
        status: 200,
        body: await options.lookUp(asked),
      })),
  };
  return createChannelServer({
    identity: options.identity,
    roles: { [controllerName]: handlers },
    maxConnections: MAX_CONNECTIONS,
    onFailure: (error) => options.logger.warn({ err: error }, 'Request failed'),
  });
}

async function takeOrder({ order, logger }: AcmeServerOptions, wanted: OrderRequest): Promise<Reply> {
  const result = await order(wanted);
  const { names, directory } = wanted;
  if (result.kind === 'issued') logger.info({ names, serial: result.serial }, 'Certificate issued');
  else logger.warn({ names, directory, ...result.failure }, 'Order failed');
  return { status: 200, body: result };
}

async function findRenewalInfo({ renewalInfo, logger }: AcmeServerOptions, asked: RenewalInfoRequest): Promise<Reply> {
  try {
    return { status: 200, body: await renewalInfo(asked) };
  } catch (error) {
    logger.warn({ err: error }, 'Request failed');
    return { status: 502, body: { error: (error as Error).message } };
  }
}
