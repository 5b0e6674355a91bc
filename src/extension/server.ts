import type { IncomingMessage } from 'node:http';
import type { Server } from 'node:https';
import type { z } from 'zod';
import type { Logger } from '../lib/logger.ts';
import { TasksRequest } from '../protocol/agent-messages.ts';
import { createChannelServer, type Handler, type Reply } from '../protocol/channel-server.ts';
import { controllerName, type Identity, proxyName } from '../protocol/names.ts';
import { MAX_MESSAGE_BYTES } from '../protocol/read-body.ts';
import { OfferRequest, RenderRequest } from '../protocol/render-messages.ts';
import { takeMessage } from '../protocol/take-message.ts';
import { Claims } from './claims.ts';
import type { Offers } from './offers.ts';
import { type Prove, RenderRequests } from './render-requests.ts';
import { ReportRequests } from './report-requests.ts';
import { Seals } from './seals.ts';
import { StateRequests, type TemplateVersions } from './state-requests.ts';
import { TrafficRequests } from './traffic-requests.ts';

export interface LinkServerOptions {
  readonly cluster: string;
  readonly identity: Identity;
  readonly prove: Prove;
  readonly templates: TemplateVersions;
  readonly offers: Offers;
  readonly logger: Logger;
}

/** Agents of all proxies with one or two connections each, and the controllers. */
const MAX_CONNECTIONS = 4096;
/** Maximum time a request is held, so that both ends notice a lost connection. */
const HOLD_MS = 25_000;

/**
 * The extension side of the control channel. It accepts only the controller and the agents of the cluster's own proxies.
 *
 * The controller:
 * - `POST /render` accepts a RenderRequest and returns a RenderResponse, or 409 if the request builds on unknown routes. If it names a
 *   `boot`, one of those replicas is offered the result; if that replica's nginx accepts it, nginx does not test it here.
 * - `PUT /offer` accepts an OfferRequest and returns 204, or 409 if it has no files and the version is unknown.
 * - `PUT /tasks` accepts a TasksRequest and returns 204. Reports from the address of another task are then rejected.
 * - `GET /state/<digest>` is held until offers, replicas, templates or tasks differ from the digest, at most 25 s, and returns a
 *   StateResponse.
 * - `GET /traffic/<cursor>` is held until there are reports after the cursor, at most 25 s, and returns a TrafficResponse.
 *
 * Agents:
 * - `POST /report` accepts a ReportRequest of at most 1 MB and is held until there is a version for the replica. It returns the signed
 *   version without the content of files that the agent knows, 204 after 25 s without a version, 409 if another agent reports for the
 *   task, or 429 if one address sends too many reports.
 * - `POST /traffic` accepts a TrafficRequest and returns 204, or 409 if another agent reports for the task.
 */
export function createLinkServer({ cluster, identity, prove, templates, offers, logger }: LinkServerOptions): Server {
  const claims = new Claims(() => performance.now());
  const rendering = new RenderRequests({ prove, templates, offers });
  const state = new StateRequests({ claims, offers, templates });
  const reports = new ReportRequests({ claims, offers, seals: new Seals(identity), logger });
  const traffic = new TrafficRequests(claims);
  return createChannelServer({
    identity,
    roles: {
      [controllerName]: {
        'POST /render': taking(RenderRequest, (asked) => rendering.render(asked)),
        'PUT /offer': taking(OfferRequest, (offer) => rendering.offer(offer)),
        'PUT /tasks': taking(TasksRequest, (tasks) => state.tasks(tasks)),
        'GET /state': held((request, hold) => state.state(request, hold)),
        'GET /traffic': held((request, hold) => traffic.after(request, hold)),
      },
      [proxyName(cluster)]: {
        'POST /report': held((request, hold) => reports.take(request, hold)),
        'POST /traffic': (request) => traffic.take(request),
      },
    },
    maxConnections: MAX_CONNECTIONS,
    onFailure: (error) => logger.error({ err: error }, 'Request failed'),
  });
}

function taking<T>(schema: z.ZodType<T>, handle: (message: T) => Promise<Reply>): Handler {
  return (request) => takeMessage(request, schema, MAX_MESSAGE_BYTES, handle);
}

function held(handle: (request: IncomingMessage, hold: AbortSignal) => Promise<Reply>): Handler {
  return (request, gone) => handle(request, AbortSignal.any([gone, AbortSignal.timeout(HOLD_MS)]));
}
