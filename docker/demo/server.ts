import { setTimeout as sleep } from 'node:timers/promises';
import { createApp } from './app.ts';
import { listen, listenH2c } from './listen.ts';
import { parseOptions } from './options.ts';

/**
 * The demo application: shows which task answered and what reached it through the proxy. It does not depend on
 * Signalbox, only on Node and ws.
 */
const { about, port, h2cPort, healthPort, tls, stopDelayMs, stopGraceMs } = parseOptions(
  process.argv.slice(2),
  process.env,
);
const stopping = new AbortController();
const app = createApp({ about, health: { healthy: true }, stopping: stopping.signal });

// The health check's port starts last: when it answers, the others answer already.
const listeners = [
  await listen(app, { port, tls, stopping: stopping.signal }),
  await listenH2c(app, { port: h2cPort }),
  await listen(app, { port: healthPort, host: '127.0.0.1', stopping: stopping.signal }),
];
console.log(JSON.stringify({ msg: 'Started', ...about, port, h2cPort, tls: tls !== undefined, pid: process.pid }));

// Node as process 1 stops only if it handles the signal: the kernel ignores default actions for process 1.
process.once('SIGTERM', stop);
process.once('SIGINT', stop);

async function stop(): Promise<void> {
  setTimeout(giveUp, stopDelayMs + stopGraceMs).unref();
  stopping.abort();
  await sleep(stopDelayMs);
  await Promise.all(listeners.map((listener) => listener.close()));
  process.exit(0);
}

function giveUp(): void {
  console.log(JSON.stringify({ msg: 'Stopped with requests still running' }));
  process.exit(0);
}
