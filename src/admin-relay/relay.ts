import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { proxyHeader } from '../protocol/proxy-header.ts';

export interface RelayOptions {
  readonly port: number;
  /** The current addresses of the controllers. */
  readonly controllers: () => Promise<readonly string[]>;
  /** Port of the controllers. */
  readonly controllerPort: number;
  /** Connection timeout, after which the next controller is tried. */
  readonly connectMs?: number;
}

/** The same limit as a controller's. */
const MAX_CONNECTIONS = 512;
const CONNECT_MS = 2000;

/**
 * Forwards connections to port 9443 of a manager to a controller on any node. It has no access to keys or content: TLS ends at the controller. A
 * controller cannot publish the port itself: two controllers on one node cannot share a port, and the old one has to work until its successor does.
 */
export function serveRelay(options: RelayOptions, signal: AbortSignal): Server {
  const clients = new Set<Socket>();
  const server = createServer({ pauseOnConnect: true }, (client) => {
    clients.add(client);
    client.on('close', () => clients.delete(client));
    client.on('error', () => client.destroy());
    passOn(client, options).catch(() => client.destroy());
  });
  server.maxConnections = MAX_CONNECTIONS;
  server.listen(options.port);
  signal.addEventListener(
    'abort',
    () => {
      server.close();
      for (const client of clients) client.destroy();
    },
    { once: true },
  );
  return server;
}

async function passOn(client: Socket, options: RelayOptions): Promise<void> {
  const { remoteAddress = '' } = client;
  const controllers = inOrderFor(remoteAddress, await options.controllers());
  for (const host of controllers) {
    if (client.destroyed) return;
    const controller = await open(host, options);
    if (controller === undefined) continue;
    join(client, controller);
    return;
  }
  client.destroy();
}

/** A client is always forwarded to the same controller while that one runs: each controller counts failed sign-in attempts separately. */
function inOrderFor(client: string, controllers: readonly string[]): string[] {
  const rank = (controller: string) => createHash('sha256').update(`${client} ${controller}`).digest('hex');
  return controllers.toSorted((a, b) => (rank(a) < rank(b) ? -1 : 1));
}

async function open(
  host: string,
  { controllerPort: port, connectMs = CONNECT_MS }: RelayOptions,
): Promise<Socket | undefined> {
  const socket = connect({ host, port });
  try {
    await once(socket, 'connect', { signal: AbortSignal.timeout(connectMs) });
    return socket;
  } catch {
    // The controller is just ending, or its node is lost.
    socket.on('error', () => undefined).destroy();
    return undefined;
  }
}

function join(client: Socket, controller: Socket): void {
  controller.on('error', () => controller.destroy());
  client.on('close', () => controller.destroy());
  controller.on('close', () => client.destroy());
  if (client.destroyed) return void controller.destroy();
  controller.write(proxyHeader(client));
  client.pipe(controller);
  controller.pipe(client);
}
