import { WebSocket } from 'ws';
import type { Bed } from './bed.ts';
import type { NodeName } from './bed-shape.ts';

interface SocketOptions {
  readonly count: number;
  readonly hosts: readonly string[];
  readonly nodes: readonly NodeName[];
  /** Trusted root of the hosts' certificates. Defaults to sockets without TLS. */
  readonly ca?: string;
}

const AT_A_TIME = 20;

/** WebSockets to the demo, spread over hosts and nodes. */
export class WebSockets implements Disposable {
  readonly #sockets: readonly WebSocket[];

  private constructor(sockets: readonly WebSocket[]) {
    this.#sockets = sockets;
  }

  static async open(bed: Bed, { count, hosts, nodes, ca }: SocketOptions): Promise<WebSockets> {
    const open = async (n: number) => {
      const host = hosts[n % hosts.length]!;
      const node = bed.node(nodes[Math.floor(n / hosts.length) % nodes.length]!);
      const { host: address, port } = node.address(ca === undefined ? 8080 : 8443);
      const trust = ca === undefined ? {} : { ca, servername: host };
      const url = `${ca === undefined ? 'ws' : 'wss'}://${address}:${port}/ws`;
      const socket = new WebSocket(url, { headers: { host }, handshakeTimeout: 30_000, ...trust });
      await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
      socket.on('error', () => {});
      return socket;
    };
    const sockets: WebSocket[] = [];
    for (let n = 0; n < count; n += AT_A_TIME) {
      const batch = Array.from({ length: Math.min(AT_A_TIME, count - n) }, (_, more) => open(n + more));
      sockets.push(...(await Promise.all(batch)));
    }
    return new WebSockets(sockets);
  }

  /** Those that were open before and are now closed. */
  get closed(): number {
    return this.#sockets.filter(({ readyState }) => readyState !== WebSocket.OPEN).length;
  }

  /** Sends a message through each, and resolves with the number of those that answer. */
  async answering(): Promise<number> {
    const answers = this.#sockets.map(async (socket) => {
      const { promise, resolve } = Promise.withResolvers<number>();
      socket.once('message', () => resolve(1));
      socket.once('close', () => resolve(0));
      const timer = setTimeout(() => resolve(0), 30_000);
      if (socket.readyState === WebSocket.OPEN) socket.send('still here');
      else resolve(0);
      const answered = await promise;
      clearTimeout(timer);
      return answered;
    });
    return (await Promise.all(answers)).reduce((sum, answered) => sum + answered, 0);
  }

  [Symbol.dispose](): void {
    for (const socket of this.#sockets) socket.terminate();
  }
}
