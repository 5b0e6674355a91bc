import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { connect, createServer, type Server } from 'node:net';
import { codes } from '../../src/proxy/nginx/dns-message.ts';

/** A server's answer for a name: addresses, an error code, or none. */
export type DnsAnswer = { readonly code?: number; readonly addresses?: readonly string[] } | 'silence';

/**
 * Answers as Docker's DNS does: names are case-sensitive, records repeat the name, and UDP carries 512 bytes at most.
 */
export class FakeDns implements AsyncDisposable {
  readonly queried: string[] = [];
  /** Ports that have sent queries over UDP. */
  readonly ports = new Set<number>();
  readonly names = new Map<string, DnsAnswer>();
  /** The most queries that were received and not yet answered. */
  mostAtOnce = 0;
  delayMs = 0;
  /** Sent before each answer over UDP. */
  forge: (answer: Buffer) => readonly Buffer[] = () => [];
  #open = 0;
  #isClosed = false;
  readonly #udp: Socket;
  readonly #tcp: Server;

  private constructor() {
    this.#udp = createSocket('udp4', async (message, { port, address }) => {
      this.ports.add(port);
      const answer = await this.#answer(message, 512);
      if (answer && !this.#isClosed)
        for (const message of [...this.forge(answer), answer]) this.#udp.send(message, port, address);
    });
    this.#tcp = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.on('data', async (chunk: Buffer) => {
        const answer = await this.#answer(chunk.subarray(2), 0xffff);
        if (answer) socket.write(framed(answer));
      });
    });
  }

  static async start(port = 0): Promise<FakeDns> {
    const dns = new FakeDns();
    await once(dns.#tcp.listen(port, '127.0.0.1'), 'listening');
    await once(dns.#udp.bind(dns.address.port, '127.0.0.1'), 'listening');
    return dns;
  }

  get address() {
    return { host: '127.0.0.1', port: (this.#tcp.address() as { readonly port: number }).port };
  }

  async #answer(query: Buffer, limit: number): Promise<Buffer | undefined> {
    const end = query.indexOf(0, 12) + 5;
    const name = nameIn(query.subarray(12, end - 4));
    this.queried.push(name);
    this.#open += 1;
    this.mostAtOnce = Math.max(this.mostAtOnce, this.#open);
    await new Promise((resolve) => setTimeout(resolve, this.delayMs));
    this.#open -= 1;
    const found = this.names.get(name) ?? { code: codes.nameError };
    if (found === 'silence') return undefined;
    const owner = query.subarray(12, end - 4);
    const records = (found.addresses ?? []).map((address) =>
      Buffer.concat([owner, Buffer.from([0, 1, 0, 1, 0, 0, 2, 88, 0, 4, ...address.split('.').map(Number)])]),
    );
    const isLong = end + records.reduce((sum, { length }) => sum + length, 0) > limit;
    const kept = isLong ? records.slice(0, 3) : records;
    const flags = [0x81 | (isLong ? 2 : 0), 0x80 | (found.code ?? 0)];
    const counts = [0, 1, kept.length >> 8, kept.length & 0xff, 0, 0, 0, 0];
    return Buffer.concat([query.subarray(0, 2), Buffer.from([...flags, ...counts]), query.subarray(12, end), ...kept]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    this.#udp.close();
    this.#tcp.close();
  }
}

/** Labels, up to and including the empty one. */
function nameIn(labels: Buffer): string {
  const name: string[] = [];
  for (let at = 0; labels[at]; at += 1 + labels[at]!)
    name.push(labels.toString('latin1', at + 1, at + 1 + labels[at]!));
  return name.join('.');
}

function framed(message: Buffer): Buffer {
  return Buffer.concat([Buffer.from([message.length >> 8, message.length & 0xff]), message]);
}

/** Sends bytes over UDP. Resolves to the answer, if one arrives in time. */
export async function exchange(port: number, message: Buffer, waitMs = 5000): Promise<Buffer | undefined> {
  const socket = createSocket('udp4');
  try {
    socket.send(message, port, '127.0.0.1');
    const [answer] = await once(socket, 'message', { signal: AbortSignal.timeout(waitMs) });
    return answer;
  } catch {
    return undefined;
  } finally {
    socket.close();
  }
}

/** The same over TCP. Resolves to everything received until the connection ends. */
export async function exchangeOverTcp(port: number, bytes: Buffer, waitMs = 300): Promise<Buffer> {
  const socket = connect({ host: '127.0.0.1', port });
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  socket.on('error', () => undefined);
  socket.write(bytes);
  const timer = setTimeout(() => socket.destroy(), waitMs);
  await once(socket, 'close');
  clearTimeout(timer);
  return Buffer.concat(chunks);
}
