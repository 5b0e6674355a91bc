import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import { parseTarget, type World } from './exchange.ts';

export type UpgradeListener = (request: IncomingMessage, socket: Duplex, head: Buffer) => void;

const maxPayload = 16 * 2 ** 20;
const goingAway = 1001;
/** Time for the other side's close frame. */
const farewellMs = 1000;

export function isWebSocketPath(segments: readonly string[]): boolean {
  return segments.at(-1) === 'ws';
}

/** Any other upgrade request, such as h2c, is answered as an ordinary request. */
export function wantsWebSocket(request: IncomingMessage): boolean {
  return (
    request.headers.upgrade?.toLowerCase() === 'websocket' && isWebSocketPath(parseTarget(request.url ?? '').segments)
  );
}

/** Greets with the instance, then echoes. Of the protocols that a client offers, the first is accepted. */
export function createEchoSocket({ about, stopping }: World): UpgradeListener {
  const server = new WebSocketServer({ noServer: true, clientTracking: false, maxPayload });
  return (request, socket, head) => {
    server.handleUpgrade(request, socket, head, (client) => {
      client.send(JSON.stringify({ instance: about.instance }));
      const leave = () => {
        client.close(goingAway);
        setTimeout(() => client.terminate(), farewellMs).unref();
      };
      stopping.addEventListener('abort', leave, { once: true });
      client.once('close', () => stopping.removeEventListener('abort', leave));
      if (stopping.aborted) leave();
      echoMessages(client);
    });
  };
}

function echoMessages(client: WebSocket): void {
  // The socket closes after an error. A broken connection cannot receive one.
  client.on('error', () => {});
  client.on('message', (data, isBinary) => {
    // Reads the next message when this one is written: a client may write faster than it reads.
    client.pause();
    client.send(data, { binary: isBinary }, () => client.resume());
  });
}
