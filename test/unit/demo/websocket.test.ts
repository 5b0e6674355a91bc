import { once } from 'node:events';
import { connect } from 'node:net';
import { expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { startDemo } from './support.ts';

/** A client whose first message, the greeting, has arrived. */
async function open(url: string, protocols: string[] = []): Promise<{ socket: WebSocket; greeting: string }> {
  const socket = new WebSocket(url, protocols);
  const [greeting] = await once(socket, 'message');
  return { socket, greeting: String(greeting) };
}

it.each(['/ws', '/ws?x=/y', '/app/v1/ws'])('greets and echoes on %s', async (path) => {
  await using demo = await startDemo();
  const { socket, greeting } = await open(demo.wsUrl + path);

  socket.send('hello');
  const [data, isBinary] = await once(socket, 'message');
  socket.close(1000);

  expect(greeting).toBe('{"instance":"one"}');
  expect([String(data), isBinary]).toEqual(['hello', false]);
  expect((await once(socket, 'close'))[0]).toBe(1000);
});

it.each([0, 1, 125, 126, 65_535, 65_536, 3_000_000])('echoes a binary message of %i bytes', async (size) => {
  await using demo = await startDemo();
  const { socket } = await open(`${demo.wsUrl}/ws`);
  const message = Buffer.alloc(size, 'abc');

  socket.send(message);
  const [data, isBinary] = await once(socket, 'message');
  socket.close();

  expect(isBinary).toBe(true);
  expect(message.equals(data)).toBe(true);
});

it('echoes a fragmented message, and answers a ping between the fragments', async () => {
  await using demo = await startDemo();
  const { socket } = await open(`${demo.wsUrl}/ws`);
  const pong = once(socket, 'pong');

  socket.send('one ', { fin: false });
  socket.ping('between');
  socket.send('two', { fin: true });
  const [data] = await once(socket, 'message');
  socket.close();

  expect(String(data)).toBe('one two');
  expect(String((await pong)[0])).toBe('between');
});

it('accepts the first protocol offered', async () => {
  await using demo = await startDemo();

  const { socket } = await open(`${demo.wsUrl}/ws`, ['chat', 'other']);
  socket.close();

  expect(socket.protocol).toBe('chat');
});

it('closes with 1009 on a message that is too long', async () => {
  await using demo = await startDemo();
  const { socket } = await open(`${demo.wsUrl}/ws`);

  socket.send(Buffer.alloc(16 * 2 ** 20 + 1));

  expect((await once(socket, 'close'))[0]).toBe(1009);
});

it('closes with 1001 when the task stops', async () => {
  await using demo = await startDemo();
  const { socket } = await open(`${demo.wsUrl}/ws`);
  const closed = once(socket, 'close');

  await demo.stop();

  expect((await closed)[0]).toBe(1001);
});

it.each(['Upgrade: h2c', 'Upgrade: websocket'])('answers /ping as usual with %s', async (upgrade) => {
  await using demo = await startDemo();
  const socket = connect(demo.port, '127.0.0.1');

  socket.write(`GET /ping HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\n${upgrade}\r\n\r\n`);
  const [answer] = await once(socket, 'data');
  socket.destroy();

  expect(String(answer)).toMatch(/^HTTP\/1.1 200 OK/);
});
