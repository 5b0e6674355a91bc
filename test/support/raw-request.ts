// Requests as bytes, for what HTTP clients correct or refuse to send. Also an HTTP/2 client that keeps its session.
import { once } from 'node:events';
import { type ClientHttp2Session, type ClientHttp2Stream, connect as connectHttp2, constants } from 'node:http2';
import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';

export interface TlsChoice {
  /** Server name (SNI); `false` sends none. */
  readonly servername: string | false;
  /** Defaults to HTTP/1.1 only. */
  readonly alpn?: readonly string[];
  /** Client certificate and key, in PEM. */
  readonly client?: { readonly cert: string; readonly key: string } | undefined;
}

/** Where to connect: a published port of the nginx container, or `bed.node(name).address(port)`. */
export interface Endpoint {
  /** Defaults to 127.0.0.1. */
  readonly host?: string;
  readonly port: number;
  readonly tls?: TlsChoice | undefined;
}

export interface RawAnswer {
  readonly status: number;
  /** Status line as received. */
  readonly line: string;
  /** Names in lower case, in the order received. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: string;
}

const timeoutMs = 10_000;

/** Joins lines to the head of a request. */
export function head(...lines: readonly string[]): string {
  return `${lines.join('\r\n')}\r\n\r\n`;
}

/** All values of a header. */
export function valuesOf(headers: RawAnswer['headers'], name: string): string[] {
  return headers.filter(([key]) => key === name.toLowerCase()).map(([, value]) => value);
}

/** Sends bytes on a new connection and returns the first final response. */
export async function rawRequest(endpoint: Endpoint, bytes: string | Buffer): Promise<RawAnswer> {
  await using connection = await RawConnection.open(endpoint);
  connection.write(bytes);
  return await connection.answer({ toHead: /^HEAD /.test(bytes.toString('latin1')) });
}

/** One TCP or TLS connection. */
export class RawConnection implements AsyncDisposable {
  readonly socket: Socket | TLSSocket;
  #received: Buffer = Buffer.alloc(0);
  #ended = false;
  #error: Error | undefined;
  #wake = () => {};

  private constructor(socket: Socket | TLSSocket) {
    this.socket = socket;
    socket.on('data', (chunk: Buffer) => {
      this.#received = Buffer.concat([this.#received, chunk]);
      this.#wake();
    });
    socket.on('error', (error) => {
      this.#error = error;
      this.#wake();
    });
    socket.on('close', () => {
      this.#ended = true;
      this.#wake();
    });
    socket.on('end', () => {
      this.#ended = true;
      this.#wake();
    });
  }

  static async open({ host = '127.0.0.1', port, tls }: Endpoint): Promise<RawConnection> {
    const signal = AbortSignal.timeout(timeoutMs);
    if (!tls) {
      const socket = connectTcp({ host, port });
      await once(socket, 'connect', { signal });
      return new RawConnection(socket);
    }
    const socket = openTls(host, port, tls, ['http/1.1']);
    await once(socket, 'secureConnect', { signal });
    return new RawConnection(socket);
  }

  write(bytes: string | Buffer): void {
    this.socket.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes);
  }

  /** Reads the next response. Skips informational ones; 101 is final and has no body. */
  async answer({ toHead = false } = {}): Promise<RawAnswer> {
    for (;;) {
      const text = (await this.#take((received) => endOfHead(received))).toString('latin1');
      const [line = '', ...fields] = text.trimEnd().split('\r\n');
      const status = Number(/^HTTP\/\d\.\d (\d{3})/.exec(line)?.[1]);
      if (!status) throw new Error(`Not a response: ${JSON.stringify(text.slice(0, 200))}`);
      const headers = fields.map((field) => {
        const colon = field.indexOf(':');
        return [field.slice(0, colon).toLowerCase(), field.slice(colon + 1).trim()] as const;
      });
      if (status >= 100 && status < 200 && status !== 101) continue;
      const bodyless = toHead || status === 101 || status === 204 || status === 304;
      return { status, line, headers, body: bodyless ? '' : await this.#body(headers) };
    }
  }

  /** Reads until the received text matches; returns the text up to the end of the match. */
  async until(pattern: RegExp): Promise<string> {
    const taken = await this.#take((received) => {
      const match = pattern.exec(received.toString('latin1'));
      return match ? match.index + match[0].length : undefined;
    });
    return taken.toString('latin1');
  }

  /** Reads until the other side closes the connection. */
  async rest(): Promise<string> {
    return (await this.#take((received) => (this.#ended ? received.length : undefined), true)).toString('latin1');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.socket.destroy();
  }

  async #body(headers: RawAnswer['headers']): Promise<string> {
    if (/chunked/i.test(valuesOf(headers, 'transfer-encoding').join())) return this.#chunks();
    const [length] = valuesOf(headers, 'content-length');
    if (length === undefined) return this.rest();
    return (
      await this.#take((received) => (received.length >= Number(length) ? Number(length) : undefined))
    ).toString();
  }

  async #chunks(): Promise<string> {
    const chunks: Buffer[] = [];
    for (;;) {
      const line = await this.#take((received) => endOfLine(received));
      const size = Number.parseInt(line.toString('latin1'), 16);
      if (Number.isNaN(size)) throw new Error(`Not a chunk: ${JSON.stringify(line.toString('latin1').slice(0, 100))}`);
      const chunk = await this.#take((received) => (received.length >= size + 2 ? size + 2 : undefined));
      if (size === 0) return Buffer.concat(chunks).toString();
      chunks.push(chunk.subarray(0, size));
    }
  }

  /** Waits until `find` returns a length, and takes that many bytes. */
  async #take(find: (received: Buffer) => number | undefined, closed = false): Promise<Buffer> {
    const deadline = performance.now() + timeoutMs;
    for (;;) {
      const length = find(this.#received);
      if (length !== undefined) {
        const taken = this.#received.subarray(0, length);
        this.#received = this.#received.subarray(length);
        return taken;
      }
      if (this.#error && !closed) throw this.#error;
      if (this.#ended) throw new Error(`The connection closed after ${JSON.stringify(this.#received.toString())}`);
      await this.#activity(deadline - performance.now());
    }
  }

  #activity(ms: number): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const fail = () => reject(new Error(`Timed out after ${JSON.stringify(this.#received.toString().slice(0, 500))}`));
    const timer = setTimeout(fail, ms);
    this.#wake = resolve;
    return promise.finally(() => clearTimeout(timer));
  }
}

function endOfHead(received: Buffer): number | undefined {
  const end = received.indexOf('\r\n\r\n');
  return end < 0 ? undefined : end + 4;
}

function endOfLine(received: Buffer): number | undefined {
  const end = received.indexOf('\r\n');
  return end < 0 ? undefined : end + 2;
}

function openTls(host: string, port: number, tls: TlsChoice, alpn: readonly string[]): TLSSocket {
  return connectTls({
    host,
    port,
    // An empty name sends no SNI.
    servername: tls.servername || '',
    ALPNProtocols: [...(tls.alpn ?? alpn)],
    rejectUnauthorized: false,
    ...tls.client,
  });
}

export interface Http2Answer {
  readonly status: number;
  /** Names and values in the order received, repeated names included. */
  readonly headers: RawAnswer['headers'];
  readonly trailers: Readonly<Record<string, string>>;
  readonly body: string;
  /** Name of the code of RST_STREAM, if the stream was reset. */
  readonly reset: string | undefined;
}

export interface Http2Question {
  /** Pseudo-headers included; `:method` defaults to GET, `:path` to `/`. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
  readonly timeoutMs?: number;
}

/** One HTTP/2 session, over TLS or with prior knowledge; requests may name any authority. */
export class Http2Client implements AsyncDisposable {
  readonly session: ClientHttp2Session;

  private constructor(session: ClientHttp2Session) {
    this.session = session;
    // Each request reports its own error.
    session.on('error', () => {});
  }

  static async open({ host = '127.0.0.1', port, tls }: Endpoint): Promise<Http2Client> {
    const options = tls && { createConnection: () => openTls(host, port, tls, ['h2']) };
    const session = connectHttp2(`${tls ? 'https' : 'http'}://${host}:${port}`, options);
    await once(session, 'connect', { signal: AbortSignal.timeout(timeoutMs) });
    return new Http2Client(session);
  }

  /** A stream to write to and read from. */
  stream(headers: Readonly<Record<string, string>>): ClientHttp2Stream {
    return this.session.request({ ':method': 'GET', ':path': '/', ...headers }, { endStream: false });
  }

  async request({ headers, body, timeoutMs: patience = timeoutMs }: Http2Question): Promise<Http2Answer> {
    const stream = this.stream(headers);
    const answer = readStream(stream, patience);
    stream.end(body);
    return answer;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.session.destroy();
  }
}

/** Reads the response of a stream to its end; a reset stream is an answer as well. */
export async function readStream(stream: ClientHttp2Stream, patience = timeoutMs): Promise<Http2Answer> {
  let headers: (readonly [string, string])[] = [];
  let trailers: Record<string, string> = {};
  const chunks: Buffer[] = [];
  stream.on('response', (_headers, _flags, raw: string[]) => {
    headers = pairs(raw);
  });
  stream.on('trailers', (_trailers, _flags, raw: string[]) => {
    trailers = Object.fromEntries(pairs(raw));
  });
  stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  // A reset is reported by its code.
  stream.on('error', () => {});
  await closed(stream, patience);
  const status = Number(valuesOf(headers, ':status')[0] ?? 0);
  const reset = stream.rstCode === constants.NGHTTP2_NO_ERROR ? undefined : nameOf(stream.rstCode);
  return { status, headers, trailers, body: Buffer.concat(chunks).toString(), reset };
}

/** Unlike `once` of node:events, a reset is no failure. */
function closed(stream: ClientHttp2Stream, ms: number): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const timer = setTimeout(() => reject(new Error(`The stream was not closed within ${ms} ms`)), ms);
  stream.once('close', resolve);
  return promise.finally(() => clearTimeout(timer));
}

function pairs(raw: readonly string[]): (readonly [string, string])[] {
  return Array.from({ length: raw.length / 2 }, (_, n) => [raw[2 * n]!, raw[2 * n + 1]!] as const);
}

const codes = ['NO_ERROR', 'PROTOCOL_ERROR', 'INTERNAL_ERROR', 'FLOW_CONTROL_ERROR', 'SETTINGS_TIMEOUT'];
const moreCodes = ['STREAM_CLOSED', 'FRAME_SIZE_ERROR', 'REFUSED_STREAM', 'CANCEL', 'COMPRESSION_ERROR'];

const nameOf = (code = 0) => [...codes, ...moreCodes][code] ?? String(code);
