import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { proxyHeader } from './proxy-header.ts';

export interface RelayOptions {
  readonly port: number;
  /** Addresses of the controllers at this moment. */
  readonly controllers: () => Promise<readonly string[]>;
  /** Port of the controllers. */
  readonly controllerPort: number;
  /** For a controller to accept a connection, before the next one is tried. */
  readonly connectMs?: number;
}

/** As many as a controller accepts. */
const MAX_CONNECTIONS = 512;
const CONNECT_MS = 2000;

/**
 * Passes connections to port 9443 of a manager on to a controller, wherever it runs. It sees neither keys nor content: TLS ends at the controller.
 * A controller cannot publish the port itself: two of one node cannot have the same port, and one has to work until its successor does.
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

/** One client is led to the same controller as long as it runs: failed sign-in attempts are counted by each controller. */
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
    // A controller that ends at this moment, or a node that is lost.
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
