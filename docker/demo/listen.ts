import { once } from 'node:events';
import { createServer, type Server, type ServerOptions } from 'node:http';
import { createServer as createH2cServer, type ServerHttp2Session } from 'node:http2';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo, Server as NetServer } from 'node:net';
import type { App } from './app.ts';
import type { Outgoing } from './exchange.ts';
import type { Tls } from './options.ts';
import { wantsWebSocket } from './websocket.ts';

export interface Listener {
  readonly port: number;
  /** Stops accepting connections and resolves when the last one has ended. */
  close(): Promise<void>;
}

export interface ListenOptions {
  readonly port: number;
  readonly host?: string;
  readonly tls?: Tls | undefined;
  readonly stopping: AbortSignal;
}

const serverOptions: ServerOptions = {
  // A proxy keeps idle connections for about a minute. The proxy must be the one that closes first: if the application
  // does, a request may already be on its way, and the user gets a 502.
  keepAliveTimeout: 75_000,
  // Long enough for long uploads.
  requestTimeout: 600_000,
  shouldUpgradeCallback: wantsWebSocket,
};

/** HTTP/1.1, over TLS if a certificate is set. */
export async function listen(app: App, { port, host, tls, stopping }: ListenOptions): Promise<Listener> {
  const server = tls ? createTlsServer({ ...serverOptions, ...tls }) : createServer(serverOptions);
  closeAfterAnswer(server, stopping);
  server.on('request', app.onRequest);
  server.on('upgrade', app.onUpgrade);
  return { port: await start(server, port, host), close: () => closed(server) };
}

/** HTTP/2 without TLS, for clients with prior knowledge. */
export async function listenH2c(app: App, { port }: { readonly port: number }): Promise<Listener> {
  const sessions = new Set<ServerHttp2Session>();
  const server = createH2cServer();
  server.on('request', app.onRequest);
  server.on('session', (session) => {
    sessions.add(session);
    session.once('close', () => sessions.delete(session));
  });
  const close = async () => {
    const end = closed(server);
    for (const session of sessions) session.close();
    await end;
  };
  return { port: await start(server, port), close };
}

/** After the stop signal, each answer asks the proxy to close its connection. */
function closeAfterAnswer(server: Server, stopping: AbortSignal): void {
  const running = new Set<Outgoing>();
  server.on('request', (_, response) => {
    if (stopping.aborted) askToClose(response);
    running.add(response);
    response.once('close', () => {
      running.delete(response);
      // Responses whose headers were sent before the signal have not asked.
      if (stopping.aborted) setImmediate(() => server.closeIdleConnections());
    });
  });
  stopping.addEventListener('abort', () => running.forEach(askToClose), { once: true });
}

function askToClose(response: Outgoing): void {
  if (!response.headersSent) response.setHeader('connection', 'close');
}

async function start(server: NetServer, port: number, host?: string): Promise<number> {
  server.listen(port, host);
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

function closed(server: NetServer): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()));
}
