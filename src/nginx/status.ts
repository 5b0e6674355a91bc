import { connect } from 'node:net';
import type { Connections } from '../metrics/proxy-metrics.ts';

/** See templates/status.hbs. */
const STATUS_PORT = 10_246;
const TIMEOUT_MS = 2000;

/** What nginx itself says it serves; undefined while it gives no answer. */
export async function servedVersion(port = STATUS_PORT): Promise<string | undefined> {
  return (await ask('/version', port))?.trim();
}

/** Undefined where nginx gives no answer. */
export async function openConnections(port = STATUS_PORT): Promise<Connections | undefined> {
  const text = await ask('/status', port);
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

/**
 * On a connection of its own: one that is kept may end at an old worker. And without `node:http`, of which an import has Node load fetch,
 * WebSockets and HTTP/2 as well: 5 MB of an agent that should be small.
 */
async function ask(path: string, port: number): Promise<string | undefined> {
  const socket = connect({ host: '127.0.0.1', port }).setEncoding('latin1');
  socket.setTimeout(TIMEOUT_MS, () => socket.destroy());
  // nginx ends the connection behind its answer to this version.
  socket.write(`GET ${path} HTTP/1.0\r\n\r\n`);
  let answer = '';
  try {
    for await (const chunk of socket) answer += chunk;
  } catch {
    return undefined;
  }
  return /^HTTP\/1\.1 200 .*?\r\n\r\n(?<body>.*)$/s.exec(answer)?.groups?.body;
}
