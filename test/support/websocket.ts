import { once } from 'node:events';
import { WebSocket } from 'ws';
import { bed } from './interlock.ts';

/** A WebSocket to a route, through the proxies. */
export async function connect(host: string, path: string) {
  const { host: address, port } = bed.node('worker1').address(8080);
  const socket = new WebSocket(`ws://${address}:${port}${path}`, { headers: { host }, handshakeTimeout: 10_000 });
  const greeting = once(socket, 'message');
  await once(socket, 'open');
  await greeting;
  return {
    /** Sends a message and resolves with the next one received. */
    async exchange(message: string): Promise<string> {
      const answer = once(socket, 'message', { signal: AbortSignal.timeout(10_000) });
      socket.send(message);
      return String((await answer)[0]);
    },
    async [Symbol.asyncDispose](): Promise<void> {
      socket.terminate();
    },
  };
}
