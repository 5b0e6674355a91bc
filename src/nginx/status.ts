import { get } from 'node:http';
import type { Connections } from '../metrics/proxy-metrics.ts';

/** What nginx itself says it serves; undefined while it gives no answer. */
export async function servedVersion(): Promise<string | undefined> {
  return (await ask('/version'))?.trim();
}

/** Undefined where nginx gives no answer. */
export async function openConnections(): Promise<Connections | undefined> {
  const text = await ask('/status');
  return text === undefined ? undefined : parseStubStatus(text);
}

const STUB_STATUS =
  /^ (?<accepted>\d+) (?<handled>\d+) \d+ *\nReading: (?<reading>\d+) Writing: (?<writing>\d+) Waiting: (?<waiting>\d+)/m;

/** What the module stub_status writes. */
export function parseStubStatus(text: string): Connections | undefined {
  const found = STUB_STATUS.exec(text)?.groups;
  if (found === undefined) return undefined;
  const { accepted, handled, reading, writing, waiting } = found;
  return {
    accepted: Number(accepted),
    handled: Number(handled),
    open: { reading: Number(reading), writing: Number(writing), waiting: Number(waiting) },
  };
}

/** See templates/status.hbs. On a connection of its own: one that is kept may end at an old worker. */
async function ask(path: string): Promise<string | undefined> {
  const { promise, resolve } = Promise.withResolvers<string | undefined>();
  const request = get(`http://127.0.0.1:10246${path}`, { agent: false, timeout: 2000 }, (response) => {
    let text = '';
    response.setEncoding('utf8');
    response.on('data', (chunk: string) => {
      text += chunk;
    });
    response.on('end', () => resolve(text));
    response.on('error', () => resolve(undefined));
  });
  request.on('timeout', () => request.destroy());
  request.on('error', () => resolve(undefined));
  return promise;
}
