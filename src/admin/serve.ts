import { createServer } from 'node:https';
import { serve } from '@hono/node-server';

export interface ServeOptions {
  readonly app: { fetch(request: Request): Response | Promise<Response> };
  readonly port: number;
  readonly cert: string;
  readonly key: string;
}

/** Serves the administrator's interface over TLS until the signal aborts. */
export function serveAdmin({ app, port, cert, key }: ServeOptions, signal: AbortSignal): void {
  const server = serve({ fetch: app.fetch, port, createServer, serverOptions: { cert, key, minVersion: 'TLSv1.2' } });
  const stop = () => {
    server.close();
    // Pages that follow events would hold it for ever.
    if ('closeAllConnections' in server) server.closeAllConnections();
  };
  signal.addEventListener('abort', stop, { once: true });
}
