/** WebSocket frames (RFC 6455, section 5), as far as an echo server needs them. */
export interface Frame {
  /** The first byte without its reserved bits: the FIN bit and the opcode. */
  readonly first: number;
  readonly payload: Buffer;
}

export const opcodes = { text: 1, close: 8, ping: 9, pong: 10 };
export const last = 0x80;
export const maxPayloadBytes = 16 * 2 ** 20;

/** A protocol violation by the client, with the status code for the close frame. */
export class FrameError extends Error {
  readonly code: number;

  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

export class FrameDecoder {
  #chunks: Buffer[] = [];
  #size = 0;
  #wanted = 2;

  /**
   * Joins the received chunks only if a frame may be complete: joining at each chunk would copy a long message many
   * times.
   */
  *decode(chunk: Buffer): Generator<Frame> {
    this.#chunks.push(chunk);
    this.#size += chunk.length;
    while (this.#size >= this.#wanted) {
      const bytes = this.#join();
      const header = readHeader(bytes);
      this.#wanted = header.frameBytes;
      if (bytes.length < header.frameBytes) continue;
      this.#keep(bytes.subarray(header.frameBytes));
      yield { first: header.first, payload: unmask(bytes.subarray(header.headerBytes, header.frameBytes)) };
    }
  }

  #join(): Buffer {
    const [only] = this.#chunks;
    const bytes = only !== undefined && this.#chunks.length === 1 ? only : Buffer.concat(this.#chunks);
    this.#chunks = [bytes];
    return bytes;
  }

  #keep(rest: Buffer): void {
    this.#chunks = [rest];
    this.#size = rest.length;
    this.#wanted = 2;
  }
}

interface Header {
  readonly first: number;
  /** Includes the masking key, which is removed with the payload. */
  readonly headerBytes: number;
  /** The length of the frame, or as much as is known if the length itself is incomplete. */
  readonly frameBytes: number;
}

function readHeader(bytes: Buffer): Header {
  const first = bytes.readUInt8(0) & 0x8f;
  const second = bytes.readUInt8(1);
  if ((second & 0x80) === 0) throw new FrameError(1002, 'a client must mask');
  const short = second & 0x7f;
  const headerBytes = short === 127 ? 10 : short === 126 ? 4 : 2;
  if (bytes.length < headerBytes) return { first, headerBytes, frameBytes: headerBytes };
  const payloadBytes = readLength(bytes, short);
  if (payloadBytes > maxPayloadBytes) throw new FrameError(1009, 'too long');
  return { first, headerBytes, frameBytes: headerBytes + 4 + payloadBytes };
}

function readLength(bytes: Buffer, short: number): number {
  if (short === 127) return Number(bytes.readBigUInt64BE(2));
  return short === 126 ? bytes.readUInt16BE(2) : short;
}

function unmask(masked: Buffer): Buffer {
  const payload = Buffer.from(masked.subarray(4));
  for (let i = 0; i < payload.length; i++) payload[i] = payload[i]! ^ masked[i & 3]!;
  return payload;
}

/** A server does not mask its frames. */
export function encodeFrame({ first, payload }: Frame): Buffer {
  return Buffer.concat([encodeHeader(first, payload.length), payload]);
}

function encodeHeader(first: number, length: number): Buffer {
  if (length < 126) return Buffer.from([first, length]);
  const header = Buffer.alloc(length < 2 ** 16 ? 4 : 10);
  header[0] = first;
  header[1] = header.length === 4 ? 126 : 127;
  if (header.length === 4) header.writeUInt16BE(length, 2);
  else header.writeBigUInt64BE(BigInt(length), 2);
  return header;
}
