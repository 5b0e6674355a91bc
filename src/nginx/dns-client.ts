import { createSocket, type Socket } from 'node:dgram';
import { type Answer, dockersDns, readAnswerTo, writeQuery } from './dns-message.ts';

export interface DnsClientOptions {
  readonly server?: { readonly host: string; readonly port: number };
  readonly timeoutMs?: number;
}

/** What a server says to a query. */
export type Addresses = Omit<Answer, 'id' | 'name'>;

const TIMEOUT_MS = 1000;

interface Asked {
  readonly query: Buffer;
  readonly until: number;
  readonly resolve: (answer: Addresses | undefined) => void;
}

/**
 * Queries Docker's DNS for IPv4 addresses, in the case that is given. Made for thousands of names, in an agent that runs without compilers: a
 * connected socket, one timer, no search path, no retry.
 */
export class DnsClient {
  readonly #server: { readonly host: string; readonly port: number };
  readonly #timeoutMs: number;
  /** By identifier; the oldest first. */
  readonly #inFlight = new Map<number, Asked>();
  #id = 0;
  #socket: Promise<Socket> | undefined;
  #sweep: NodeJS.Timeout | undefined;

  constructor({ server = dockersDns, timeoutMs = TIMEOUT_MS }: DnsClientOptions = {}) {
    this.#server = server;
    this.#timeoutMs = timeoutMs;
  }

  /** Resolves to undefined if no answer comes in time. */
  async query(name: string): Promise<Addresses | undefined> {
    this.#socket ??= this.#open();
    const socket = await this.#socket;
    this.#id = (this.#id + 1) % 0x10000;
    const query = writeQuery(this.#id, name);
    const { promise, resolve } = Promise.withResolvers<Addresses | undefined>();
    this.#inFlight.set(this.#id, { query, resolve, until: performance.now() + this.#timeoutMs });
    this.#sweep ??= setTimeout(() => this.#giveUp(), this.#timeoutMs).unref();
    try {
      socket.send(query);
    } catch {
      // It has just been closed: the same as no answer.
    }
    return promise;
  }

  close(): void {
    clearTimeout(this.#sweep);
    void this.#socket?.then(close);
    this.#socket = undefined;
    for (const { resolve } of this.#inFlight.values()) resolve(undefined);
    this.#inFlight.clear();
  }

  #open(): Promise<Socket> {
    const { promise, resolve } = Promise.withResolvers<Socket>();
    const socket = createSocket('udp4').unref();
    socket.on('message', (message) => this.#receive(message));
    // The next query opens another one: the engine may have moved its server.
    socket.on('error', () => {
      close(socket);
      if (this.#socket === promise) this.#socket = undefined;
      resolve(socket);
    });
    socket.connect(this.#server.port, this.#server.host, () => resolve(socket));
    return promise;
  }

  #receive(message: Buffer): void {
    if (message.length < 2) return;
    const id = message.readUInt16BE(0);
    const asked = this.#inFlight.get(id);
    const answer = asked && readAnswerTo(asked.query, message);
    if (!answer) return;
    this.#inFlight.delete(id);
    asked.resolve(answer);
  }

  #giveUp(): void {
    const now = performance.now();
    for (const [id, { until, resolve }] of this.#inFlight) {
      if (until > now) break;
      this.#inFlight.delete(id);
      resolve(undefined);
    }
    const [oldest] = this.#inFlight.values();
    this.#sweep = oldest && setTimeout(() => this.#giveUp(), Math.max(1, oldest.until - now)).unref();
  }
}

function close(socket: Socket): void {
  try {
    socket.close();
  } catch {
    // It is closed.
  }
}
