import { type App, createApp } from '../../../docker/demo/app.ts';
import { type Listener, listen, listenH2c } from '../../../docker/demo/listen.ts';
import type { Tls } from '../../../docker/demo/options.ts';

export const about = { instance: 'one', version: '0.2', metadata: '<b>demo & "co"</b>' };

/** The application on free ports of this process. Stops with the scope that holds it. */
export interface Demo extends AsyncDisposable {
  readonly url: string;
  readonly wsUrl: string;
  readonly h2cUrl: string;
  readonly port: number;
  /** As the stop signal does. Resolves when the last connection has ended. */
  stop(): Promise<void>;
}

export async function startDemo(tls?: Tls): Promise<Demo> {
  const stopping = new AbortController();
  const app: App = createApp({ about, health: { healthy: true }, stopping: stopping.signal });
  const web = await listen(app, { port: 0, host: '127.0.0.1', tls, stopping: stopping.signal });
  const h2c = await listenH2c(app, { port: 0 });
  const stop = async () => {
    stopping.abort();
    await Promise.all([web, h2c].map((listener: Listener) => listener.close()));
  };
  return {
    url: `${tls ? 'https' : 'http'}://127.0.0.1:${web.port}`,
    wsUrl: `ws://127.0.0.1:${web.port}`,
    h2cUrl: `http://127.0.0.1:${h2c.port}`,
    port: web.port,
    stop,
    [Symbol.asyncDispose]: stop,
  };
}
