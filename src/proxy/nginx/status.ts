import { connect } from 'node:net';
import type { Connections } from '../metrics/proxy-metrics.ts';

/** See templates/status.hbs. */
const STATUS_PORT = 10_246;
const TIMEOUT_MS = 2000;

/** The version that nginx itself reports; undefined if it does not respond. */
export async function servedVersion(port = STATUS_PORT): Promise<string | undefined> {
  return (await ask('/version', port))?.trim();
}

/** Undefined if nginx does not respond. */
export async function openConnections(port = STATUS_PORT): Promise<Connections | undefined> {
  const text = await ask('/status', port);
  return text === undefined ? undefined : parseStubStatus(text);
}

const STUB_STATUS =
  /^ (?<accepted>\d+) (?<handled>\d+) \d+ *\nReading: (?<reading>\d+) Writing: (?<writing>\d+) Waiting: (?<waiting>\d+)/m;

/** Parses the output of the stub_status module. */
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
 * Uses a new connection, because a kept one may end at an old worker. Does not use `node:http`: importing it makes Node load fetch, WebSockets and
 * HTTP/2 as well, which takes 5 MB of the small agent's memory.
 */
async function ask(path: string, port: number): Promise<string | undefined> {
  const socket = connect({ host: '127.0.0.1', port }).setEncoding('latin1');
  socket.setTimeout(TIMEOUT_MS, () => socket.destroy());
  // nginx closes the connection after a response to HTTP/1.0.
  socket.write(`GET ${path} HTTP/1.0\r\n\r\n`);
  let answer = '';
  try {
    for await (const chunk of socket) answer += chunk;
  } catch {
    return undefined;
  }
  return /^HTTP\/1\.1 200 .*?\r\n\r\n(?<body>.*)$/s.exec(answer)?.groups?.body;
}
