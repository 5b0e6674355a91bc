import { createSocket, type Socket } from 'node:dgram';
import { dockersDns } from '../../model/dns/dockers-dns.ts';
import { type Answer, readAnswerTo, writeQuery } from './dns-message.ts';

export interface DnsClientOptions {
  readonly server?: { readonly host: string; readonly port: number };
  readonly timeoutMs?: number;
}

/** A server's answer to a query. */
export type Addresses = Omit<Answer, 'id' | 'name'>;

const TIMEOUT_MS = 1000;

interface Connection {
  readonly socket: Socket;
  readonly connected: Promise<void>;
}

interface Asked {
  readonly query: Buffer;
  readonly socket: Socket;
  readonly askedAt: number;
  readonly until: number;
  readonly resolve: (answer: Addresses | undefined) => void;
}

/**
 * Queries Docker's DNS for IPv4 addresses, keeping the case of the name. Built for thousands of names in an agent that runs without compilers: a
 * connected socket, one timer, no search path, no retries.
 */
export class DnsClient {
  readonly #server: { readonly host: string; readonly port: number };
  readonly #timeoutMs: number;
  /** By identifier, the oldest first. */
  readonly #inFlight = new Map<number, Asked>();
  #id = 0;
  #connection: Connection | undefined;
  #heardAt = 0;
  #sweep: NodeJS.Timeout | undefined;

  constructor({ server = dockersDns, timeoutMs = TIMEOUT_MS }: DnsClientOptions = {}) {
    this.#server = server;
    this.#timeoutMs = timeoutMs;
  }

  /** Resolves to undefined if no answer arrives in time. */
  async query(name: string): Promise<Addresses | undefined> {
    this.#connection ??= this.#open();
    const { socket, connected } = this.#connection;
    await connected;
    this.#id = (this.#id + 1) % 0x10000;
    const query = writeQuery(this.#id, name);
    const { promise, resolve } = Promise.withResolvers<Addresses | undefined>();
    const askedAt = performance.now();
    this.#inFlight.set(this.#id, { query, socket, askedAt, resolve, until: askedAt + this.#timeoutMs });
    this.#sweep ??= setTimeout(() => this.#giveUp(), this.#timeoutMs).unref();
    try {
      // Without a callback, an error that the kernel reports immediately would be lost.
      socket.send(query, (error) => error && this.#drop(socket));
    } catch {
      // The socket has just been closed. This counts as no answer.
    }
    return promise;
  }

  close(): void {
    clearTimeout(this.#sweep);
    if (this.#connection) this.#drop(this.#connection.socket);
    for (const { resolve } of this.#inFlight.values()) resolve(undefined);
    this.#inFlight.clear();
  }

  #open(): Connection {
    const { promise: connected, resolve } = Promise.withResolvers<void>();
    const socket = createSocket('udp4').unref();
    socket.on('message', (message) => this.#receive(message));
    socket.on('error', () => {
      this.#drop(socket);
      resolve();
    });
    socket.connect(this.#server.port, this.#server.host, resolve);
    return { socket, connected };
  }

  /**
   * Makes the next query open another socket with a new port: for a known port, the kernel keeps sending packets to the previous address of Docker's
   * DNS server.
   */
  #drop(socket: Socket): void {
    if (this.#connection?.socket === socket) this.#connection = undefined;
    try {
      socket.close();
    } catch {
      // Already closed.
    }
  }

  #receive(message: Buffer): void {
    if (message.length < 2) return;
    const id = message.readUInt16BE(0);
    const asked = this.#inFlight.get(id);
    const answer = asked && readAnswerTo(asked.query, message);
    if (!answer) return;
    this.#heardAt = performance.now();
    this.#inFlight.delete(id);
    asked.resolve(answer);
  }

  #giveUp(): void {
    const now = performance.now();
    for (const [id, { until, askedAt, socket, resolve }] of this.#inFlight) {
      if (until > now) break;
      this.#inFlight.delete(id);
      if (this.#heardAt < askedAt) this.#drop(socket);
      resolve(undefined);
    }
    const [oldest] = this.#inFlight.values();
    this.#sweep = oldest && setTimeout(() => this.#giveUp(), Math.max(1, oldest.until - now)).unref();
  }
}
