import { randomInt } from 'node:crypto';
import { createSocket, type RemoteInfo, type Socket as UdpSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { dockersDns } from '../../model/dns/dockers-dns.ts';
import { decodeCase, nameRelay } from '../../model/dns/name-case.ts';
import { type Answer, codes, parseAnswer, parseQuery, type Query, writeAnswer, writeQuery } from './dns-message.ts';

interface Address {
  readonly host: string;
  readonly port: number;
}

export interface NameRelayOptions {
  readonly listen?: Address;
  /** Number of ports, if `listen` leaves the choice of the port to the kernel: a socket has room for some hundred queries at once. */
  readonly ports?: number;
  /** The name that is queried for a name from nginx. Undefined if the relay does not answer for it. */
  readonly toQueried?: (name: string) => string | undefined;
  /** Called with each name from nginx that was answered. */
  readonly onAnswered?: (name: string) => void;
  /** Docker's DNS. */
  readonly server?: Address;
  readonly timeoutMs?: number;
}

/** nginx times out after this, see `resolver_timeout` in the templates. */
const TIMEOUT_MS = 2000;
/** Docker's DNS drops queries when several hundred arrive at once. */
const MAX_IN_FLIGHT = 200;
/** nginx queries all names at once when it starts. The kernel limits the buffer to the node's maximum. */
const MAX_WAITING = 10_000;
const RECEIVE_BUFFER = 4 * 1024 * 1024;
const MAX_CONNECTIONS = 32;
const MAX_QUERY = 512;
/** nginx's buffer for an answer over UDP, and the maximum over TCP. */
const MAX_ANSWER = { udp: 4096, tcp: 0xffff };
const MAX_IN_FLIGHT_PER_CONNECTION = 32;

type AnswerFields = Pick<Answer, 'code' | 'truncated' | 'records'>;

/** A query from nginx and the address to send the answer to. */
interface Asked {
  readonly query: Query;
  readonly name: string;
  readonly from: RemoteInfo;
  readonly socket: UdpSocket;
  readonly until: number;
}

/** A port of the relay. */
interface Listener {
  readonly udp: UdpSocket;
  readonly tcp: Server;
}

/**
 * Restores the case of names (see model/name-case.ts): queries Docker's DNS and returns its answer with the question that nginx sent. Listens on
 * loopback only. Error codes are passed on, because nginx handles them differently: NXDOMAIN empties an upstream, SERVFAIL keeps its addresses. If
 * Docker's DNS does not answer, the relay does not either, and nginx keeps the addresses too. Malformed messages are ignored.
 */
export class NameRelay {
  readonly #server: Address;
  readonly #timeoutMs: number;
  readonly #toQueried: (name: string) => string | undefined;
  readonly #onAnswered: (name: string) => void;
  readonly #listeners: Listener[] = [];
  #toServer: UdpSocket | undefined;
  /** By the identifier of the relay's query, the oldest first. */
  readonly #inFlight = new Map<number, Asked>();
  readonly #waiting: Asked[] = [];
  #sweep: NodeJS.Timeout | undefined;

  private constructor(options: NameRelayOptions) {
    const {
      server = dockersDns,
      timeoutMs = TIMEOUT_MS,
      toQueried = decodeCase,
      onAnswered = () => undefined,
    } = options;
    this.#server = server;
    this.#timeoutMs = timeoutMs;
    this.#toQueried = toQueried;
    this.#onAnswered = onAnswered;
  }

  /** Rejects if the address is in use. */
  static async start(options: NameRelayOptions = {}): Promise<NameRelay> {
    const relay = new NameRelay(options);
    try {
      for (let left = options.ports ?? 1; left > 0; left--) await relay.#listen(options.listen ?? nameRelay);
    } catch (error) {
      await relay[Symbol.asyncDispose]();
      throw error;
    }
    return relay;
  }

  async #listen({ host, port }: Address): Promise<void> {
    const udp = createSocket({ type: 'udp4', recvBufferSize: RECEIVE_BUFFER }).unref();
    const tcp = createServer((socket) => this.#accept(socket)).unref();
    this.#listeners.push({ udp, tcp });
    udp.on('message', (message, from) => this.#receive(message, from, udp));
    tcp.maxConnections = MAX_CONNECTIONS;
    tcp.listen(port, host);
    await once(tcp, 'listening');
    udp.bind(portOf(tcp), host);
    await once(udp, 'listening');
    // For example, an answer to an nginx that has ended.
    udp.on('error', () => undefined);
    tcp.on('error', () => undefined);
  }

  /** Where it listens. */
  get ports(): readonly number[] {
    return this.#listeners.map(({ tcp }) => portOf(tcp));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearTimeout(this.#sweep);
    this.#toServer?.close();
    for (const { udp, tcp } of this.#listeners) {
      udp.close();
      tcp.close();
    }
  }

  #receive(message: Buffer, from: RemoteInfo, socket: UdpSocket): void {
    if (!isLoopback(from.address)) return;
    const query = parseQuery(message);
    if (query === undefined) return;
    const name = this.#nameOf(query);
    const asked = { query, name: name ?? '', from, socket, until: performance.now() + this.#timeoutMs };
    if (name === undefined) this.#answer(asked, refusal);
    else if (this.#inFlight.size < MAX_IN_FLIGHT) this.#ask(asked);
    else if (this.#waiting.length < MAX_WAITING) this.#waiting.push(asked);
  }

  #ask(asked: Asked): void {
    let id = randomInt(0x10000);
    while (this.#inFlight.has(id)) id = randomInt(0x10000);
    this.#inFlight.set(id, asked);
    this.#sweep ??= setTimeout(() => this.#giveUp(), this.#timeoutMs).unref();
    const { host, port } = this.#server;
    this.#toServer ??= this.#openToServer();
    this.#toServer.send(writeQuery(id, asked.name), port, host);
  }

  #openToServer(): UdpSocket {
    const socket = createSocket({ type: 'udp4', recvBufferSize: RECEIVE_BUFFER }).unref();
    const { host, port } = this.#server;
    socket.on('message', (message, from) => {
      if (from.address === host && from.port === port) this.#pass(message);
    });
    // The next query opens another socket: Docker may have moved its DNS server.
    socket.on('error', () => {
      socket.close();
      if (this.#toServer === socket) this.#toServer = undefined;
    });
    return socket;
  }

  #pass(message: Buffer): void {
    const answer = parseAnswer(message);
    const asked = answer && this.#inFlight.get(answer.id);
    if (!answer || !asked || answer.name !== asked.name) return;
    this.#inFlight.delete(answer.id);
    this.#answer(asked, answer);
    this.#onAnswered(asked.query.name);
    this.#askWaiting();
  }

  #answer({ query, from, socket }: Asked, answer: AnswerFields): void {
    socket.send(writeAnswer(query, answer, MAX_ANSWER.udp), from.port, from.address);
  }

  #giveUp(): void {
    const now = performance.now();
    for (const [id, { until }] of this.#inFlight) {
      if (until > now) break;
      this.#inFlight.delete(id);
    }
    this.#askWaiting();
    const [oldest] = this.#inFlight.values();
    this.#sweep = oldest && setTimeout(() => this.#giveUp(), Math.max(1, oldest.until - now)).unref();
  }

  #askWaiting(): void {
    const now = performance.now();
    while (this.#inFlight.size < MAX_IN_FLIGHT) {
      const next = this.#waiting.shift();
      if (next === undefined) return;
      if (next.until > now) this.#ask(next);
    }
  }

  /** nginx uses TCP for names whose answer was truncated: services with about 25 tasks or more. */
  #accept(client: Socket): void {
    client.on('error', () => undefined);
    if (!isLoopback(client.remoteAddress ?? '')) return void client.destroy();
    let inFlight = 0;
    const answer = (query: Query, fields: AnswerFields) =>
      client.write(frame(writeAnswer(query, fields, MAX_ANSWER.tcp)));
    readMessages(client, MAX_QUERY, (message) => {
      const query = parseQuery(message);
      const name = query && this.#nameOf(query);
      if (query === undefined || inFlight >= MAX_IN_FLIGHT_PER_CONNECTION) return;
      if (name === undefined) return void answer(query, refusal);
      inFlight += 1;
      void this.#askOverTcp(name).then((found) => {
        inFlight -= 1;
        if (found && client.writable) answer(query, found);
      });
    });
  }

  #nameOf({ name, isAddress }: Query): string | undefined {
    return isAddress ? this.#toQueried(name) : undefined;
  }

  #askOverTcp(name: string): Promise<Answer | undefined> {
    const { promise, resolve } = Promise.withResolvers<Answer | undefined>();
    const id = randomInt(0x10000);
    const socket = connect(this.#server);
    const timer = setTimeout(() => socket.destroy(), this.#timeoutMs);
    socket.on('error', () => undefined);
    socket.on('close', () => {
      clearTimeout(timer);
      resolve(undefined);
    });
    readMessages(socket, MAX_ANSWER.tcp, (message) => {
      const answer = parseAnswer(message);
      if (answer?.id === id && answer.name === name) resolve(answer);
      socket.destroy();
    });
    socket.write(frame(writeQuery(id, name)));
    return promise;
  }
}

const refusal = { code: codes.refused, truncated: false, records: [] } as const;

function portOf(server: Server): number {
  return (server.address() as { readonly port: number }).port;
}

function isLoopback(address: string): boolean {
  return address.startsWith('127.');
}

/** Over TCP, each message is preceded by its length in two bytes. */
function frame(message: Buffer): Buffer {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(message.length);
  return Buffer.concat([length, message]);
}

/** Closes the connection if a message is longer than `maxLength`. */
function readMessages(socket: Socket, maxLength: number, onMessage: (message: Buffer) => void): void {
  let read: Buffer = Buffer.alloc(0);
  socket.on('data', (chunk: Buffer) => {
    read = Buffer.concat([read, chunk]);
    while (read.length >= 2 && !socket.destroyed) {
      const end = 2 + read.readUInt16BE(0);
      if (end > maxLength + 2) return void socket.destroy();
      if (read.length < end) return;
      onMessage(read.subarray(2, end));
      read = read.subarray(end);
    }
  });
}
