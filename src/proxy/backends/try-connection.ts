import { createConnection } from 'node:net';
import type { ConnectionFault } from '../../model/backends/connections.ts';

const TIMEOUT_MS = 2000;

const faults: Readonly<Record<string, ConnectionFault>> = {
  ECONNREFUSED: 'refused',
  ETIMEDOUT: 'timedOut',
  EHOSTUNREACH: 'unreachable',
  ENETUNREACH: 'unreachable',
  EHOSTDOWN: 'unreachable',
};

/** Opens a TCP connection and closes it. Undefined if that works, or fails for a reason on this side. */
export function tryConnection(host: string, port: number): Promise<ConnectionFault | undefined> {
  const { promise, resolve } = Promise.withResolvers<ConnectionFault | undefined>();
  const socket = createConnection({ host, port, timeout: TIMEOUT_MS }).unref();
  const end = (fault: ConnectionFault | undefined) => {
    socket.destroy();
    resolve(fault);
  };
  socket.once('connect', () => end(undefined));
  socket.once('timeout', () => end('timedOut'));
  socket.on('error', ({ code = '' }: NodeJS.ErrnoException) => end(faults[code]));
  return promise;
}
