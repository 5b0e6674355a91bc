import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { expect, it } from 'vitest';
import { openConnections, parseStubStatus, servedVersion } from '../../../../src/proxy/nginx/status.ts';

const STUB_STATUS =
  'Active connections: 291 \nserver accepts handled requests\n 16630948 16630946 31070465 \nReading: 6 Writing: 179 Waiting: 106 \n';

/** An nginx that gives each connection this answer. */
async function startNginx(answer: (socket: Socket) => void) {
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.once('data', () => answer(socket));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      server.close();
    },
  };
}

const head = (status: string) => `HTTP/1.1 ${status}\r\nServer: nginx\r\nConnection: close\r\n\r\n`;

it("reads nginx's connection counts", () => {
  expect(parseStubStatus(STUB_STATUS)).toEqual({
    accepted: 16630948,
    handled: 16630946,
    open: { reading: 6, writing: 179, waiting: 106 },
  });
});

it.each(['', '<html>404 Not Found</html>'])('ignores %j', (text) => {
  expect(parseStubStatus(text)).toBeUndefined();
});

it("reads nginx's version and its connections", async () => {
  await using versioned = await startNginx((socket) => {
    socket.write(head('200 OK'));
    setImmediate(() => socket.end('0123456789abcdef\n'));
  });
  await using counting = await startNginx((socket) => socket.end(head('200 OK') + STUB_STATUS));

  expect(await servedVersion(versioned.port)).toBe('0123456789abcdef');
  expect(await openConnections(counting.port)).toMatchObject({ accepted: 16630948 });
});

it.each([
  ['answers that it has none', (socket: Socket) => void socket.end(`${head('404 Not Found')}nothing`)],
  ['hangs up', (socket: Socket) => void socket.resetAndDestroy()],
  ['sends nothing', () => undefined],
])('has no version if nginx %s', async (_, answer) => {
  await using nginx = await startNginx(answer);

  expect(await servedVersion(nginx.port)).toBeUndefined();
});
