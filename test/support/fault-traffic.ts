import { once } from 'node:events';
import { WebSocket } from 'ws';
import type { NodeName } from '../../bed/bed-shape.ts';
import { bed } from './interlock.ts';
import { Load, type LoadReport } from './load.ts';

const SOCKETS = 100;
const REQUESTS_PER_SECOND = 200;

export interface TrafficReport extends Pick<LoadReport, 'total' | 'failed' | 'failures'> {
  /** WebSockets that are closed or no longer answer. */
  readonly closedSockets: number;
}

/** What clients notice of a fault: 200 requests per second and 100 WebSockets, through the nodes that stay. */
export class FaultTraffic implements AsyncDisposable {
  readonly #load: Load;
  readonly #sockets: readonly WebSocket[];

  private constructor(load: Load, sockets: readonly WebSocket[]) {
    this.#load = load;
    this.#sockets = sockets;
  }

  static async start(host: string, nodes: readonly NodeName[]): Promise<FaultTraffic> {
    const sockets: WebSocket[] = [];
    for (let n = 0; n < SOCKETS; n++) sockets.push(await openSocket(host, nodes[n % nodes.length]!));
    const clients = 8 * nodes.length;
    return new FaultTraffic(new Load({ host, nodes, clients, requestsPerSecond: REQUESTS_PER_SECOND }), sockets);
  }

  get report(): LoadReport {
    return this.#load.report;
  }

  async stop(): Promise<TrafficReport> {
    const { total, failed, failures } = await this.#load.stop();
    const answered = await Promise.all(this.#sockets.map(echoes));
    return { total, failed, failures, closedSockets: answered.filter((answer) => !answer).length };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.terminate();
    await this.#load[Symbol.asyncDispose]();
  }
}

async function openSocket(host: string, node: NodeName): Promise<WebSocket> {
  const { host: address, port } = bed.node(node).address(8080);
  const socket = new WebSocket(`ws://${address}:${port}/ws`, { headers: { host }, handshakeTimeout: 30_000 });
  const greeting = once(socket, 'message');
  await once(socket, 'open');
  await greeting;
  // A broken socket is counted at the end.
  socket.on('error', () => {});
  return socket;
}

async function echoes(socket: WebSocket): Promise<boolean> {
  if (socket.readyState !== WebSocket.OPEN) return false;
  const answer = once(socket, 'message', { signal: AbortSignal.timeout(10_000) });
  socket.send('still there');
  return answer.then(
    ([message]) => String(message) === 'still there',
    () => false,
  );
}
