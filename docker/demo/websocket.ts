import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { parseTarget, type World } from './exchange.ts';
import { encodeFrame, type Frame, FrameDecoder, FrameError, last, opcodes } from './frames.ts';

export type UpgradeListener = (request: IncomingMessage, socket: Duplex, head: Buffer) => void;

const goingAway = 1001;
const farewellMs = 1000;

export function isWebSocketPath(segments: readonly string[]): boolean {
  return segments.at(-1) === 'ws';
}

/** Any other upgrade request, such as h2c, is answered as an ordinary request. */
export function wantsWebSocket(request: IncomingMessage): boolean {
  return (
    request.headers.upgrade?.toLowerCase() === 'websocket' && isWebSocketPath(parseTarget(request.url ?? '').segments)
  );
}

export function createEchoSocket({ about, stopping }: World): UpgradeListener {
  return (request, socket, head) => {
    // A broken connection cannot receive an error.
    socket.on('error', () => socket.destroy());
    const key = request.headers['sec-websocket-key'];
    if (key === undefined || request.headers['sec-websocket-version'] !== '13') {
      socket.end(
        'HTTP/1.1 426 Upgrade Required\r\nSec-WebSocket-Version: 13\r\nConnection: close\r\nContent-Length: 0\r\n\r\n',
      );
      return;
    }
    socket.write(renderHandshake(key, request.headers['sec-websocket-protocol']));
    send(socket, last | opcodes.text, Buffer.from(JSON.stringify({ instance: about.instance })));
    const leave = () => close(socket, goingAway);
    stopping.addEventListener('abort', leave, { once: true });
    socket.once('close', () => stopping.removeEventListener('abort', leave));
    if (stopping.aborted) leave();
    echoFrames(socket, head);
  };
}

function renderHandshake(key: string, protocols: string | undefined): string {
  const accept = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
  const lines = ['HTTP/1.1 101 Switching Protocols', 'Upgrade: websocket', 'Connection: Upgrade'];
  lines.push(`Sec-WebSocket-Accept: ${accept}`);
  // A client that offers protocols may require one of them, so the first is accepted.
  if (protocols !== undefined) lines.push(`Sec-WebSocket-Protocol: ${protocols.split(',')[0]?.trim()}`);
  return `${lines.join('\r\n')}\r\n\r\n`;
}

function echoFrames(socket: Duplex, head: Buffer): void {
  const decoder = new FrameDecoder();
  const onData = (chunk: Buffer) => {
    try {
      for (const frame of decoder.decode(chunk)) echoFrame(socket, frame);
    } catch (error) {
      if (!(error instanceof FrameError)) throw error;
      socket.off('data', onData);
      close(socket, error.code);
    }
  };
  socket.on('end', () => socket.end());
  onData(head);
  socket.on('data', onData);
}

/** Frame by frame, not message by message: a fragmented message goes back in the same fragments. */
function echoFrame(socket: Duplex, { first, payload }: Frame): void {
  const opcode = first & 0x0f;
  if (opcode === opcodes.pong || socket.writableEnded) return;
  if (opcode === opcodes.ping) send(socket, last | opcodes.pong, payload);
  else send(socket, first, payload);
  if (opcode === opcodes.close) socket.end();
}

/** Waits a limited time for the other side's close frame, which ends the connection. */
function close(socket: Duplex, code: number): void {
  const payload = Buffer.alloc(2);
  payload.writeUInt16BE(code);
  send(socket, last | opcodes.close, payload);
  const timer = setTimeout(() => socket.destroy(), farewellMs);
  socket.once('close', () => clearTimeout(timer));
}

function send(socket: Duplex, first: number, payload: Buffer): void {
  if (socket.write(encodeFrame({ first, payload })) || socket.isPaused()) return;
  // The client writes faster than it reads.
  socket.pause();
  socket.once('drain', () => socket.resume());
}
