import type { Server } from 'node:https';
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { readProxyHeader } from '../../protocol/proxy-header.ts';

/**
 * Makes a server use the client's address for relayed connections, which begin with a PROXY header. Connections without a valid header are closed.
 * The socket's `remoteAddress` becomes the client's.
 */
export function acceptRelayed(server: Server, isRelayed: (socket: Socket) => boolean, headerMs: number): void {
  const listeners = server.listeners('connection') as ((socket: Socket) => void)[];
  const accept = (socket: Socket) => {
    for (const listener of listeners) listener.call(server, socket);
  };
  /** Clients of open connections, by the relay's address and port: a TLS socket does not expose its underlying socket. */
  const clients = new Map<string, string>();
  server.removeAllListeners('connection');
  server.on('connection', async (socket: Socket) => {
    if (!isRelayed(socket)) return accept(socket);
    const relay = endOf(socket);
    const client = await headerInTime(socket, headerMs);
    if (client === undefined) return void socket.destroy();
    clients.set(relay, client);
    socket.once('close', () => clients.delete(relay));
    setAddress(socket, client);
    accept(socket);
  });
  server.on('secureConnection', (socket: TLSSocket) => {
    const client = clients.get(endOf(socket));
    if (client !== undefined) setAddress(socket, client);
  });
}

async function headerInTime(socket: Socket, headerMs: number): Promise<string | undefined> {
  const late = setTimeout(() => socket.destroy(), headerMs);
  const ignore = () => undefined;
  socket.on('error', ignore);
  const client = await readProxyHeader(socket);
  clearTimeout(late);
  socket.off('error', ignore);
  return socket.destroyed ? undefined : client;
}

function endOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress} ${remotePort}`;
}

function setAddress(socket: Socket, value: string): void {
  Object.defineProperty(socket, 'remoteAddress', { value });
}
