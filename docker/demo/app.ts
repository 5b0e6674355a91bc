import { echo, upload } from './echo.ts';
import {
  answerText,
  BadRequest,
  type Exchange,
  type Handler,
  type Incoming,
  type Outgoing,
  parseTarget,
  untilGone,
  type World,
} from './exchange.ts';
import { answerGrpc, isGrpc } from './grpc.ts';
import { health } from './health.ts';
import { page } from './page.ts';
import { ping } from './ping.ts';
import { bytes, redirect, status } from './plain.ts';
import { events, slow, stream } from './timed.ts';
import { createEchoSocket, isWebSocketPath, type UpgradeListener } from './websocket.ts';

export interface App {
  readonly world: World;
  readonly onRequest: (request: Incoming, response: Outgoing) => void;
  readonly onUpgrade: UpgradeListener;
}

// A map, because a plain object always has a 'constructor'.
const routes = new Map<string | undefined, Handler>([
  [undefined, page],
  ['ping', ping],
  ['events', events],
  ['slow', slow],
  ['stream', stream],
  ['status', status],
  ['bytes', bytes],
  ['redirect', redirect],
  ['upload', upload],
  ['health', health],
]);

export function createApp(world: World): App {
  return {
    world,
    onRequest: (request, response) => {
      void respond({ request, response, world, ...parseTarget(request.url ?? '/') });
    },
    onUpgrade: createEchoSocket(world),
  };
}

async function respond(exchange: Exchange): Promise<void> {
  const { request, response } = exchange;
  const gone = untilGone(response);
  try {
    await findHandler(exchange)(exchange);
  } catch (error) {
    if (error instanceof BadRequest) answerText(response, 400, error.message);
    // A client that disconnects during an exchange is normal, whatever error it causes.
    else if (!gone.aborted && !request.destroyed) throw error;
  }
}

function findHandler({ request, segments }: Exchange): Handler {
  if (isGrpc(request)) return answerGrpc;
  // Available under any path, so that changes to the path are visible.
  if (segments.includes('echo')) return echo;
  if (isWebSocketPath(segments)) return wantUpgrade;
  return routes.get(segments[0]) ?? notFound;
}

function wantUpgrade({ response }: Exchange): void {
  answerText(response, 426, 'This path speaks WebSocket only');
}

function notFound({ response, request }: Exchange): void {
  answerText(response, 404, `Nothing at ${request.url}`);
}
