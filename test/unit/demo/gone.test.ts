import { once } from 'node:events';
import { request } from 'node:http';
import { connect, constants } from 'node:http2';
import { expect, it } from 'vitest';
import { startDemo } from './support.ts';

const unfinished = [
  { path: '/slow?ms=60000', method: 'GET' },
  { path: '/stream?ms=60000', method: 'GET' },
  { path: '/bytes/1000000000', method: 'GET' },
  { path: '/events?interval=60000', method: 'GET' },
  { path: '/echo', method: 'POST' },
];

// An error here would become an unhandled rejection, which fails the run.
it.each(unfinished)('survives a client that disconnects from $path', async ({ path, method }) => {
  await using demo = await startDemo();
  const client = request(demo.url + path, { method, headers: { expect: '100-continue' } });
  client.on('error', () => undefined);
  client.flushHeaders();
  await once(client, 'continue');

  client.destroy();
  await demo.stop();

  expect(client.destroyed).toBe(true);
});

it.each(unfinished)('survives a client that cancels $path over HTTP/2', async ({ path, method }) => {
  await using demo = await startDemo();
  const session = connect(demo.h2cUrl);
  const stream = session.request({ ':path': path, ':method': method, expect: '100-continue' }, { endStream: false });
  await once(stream, 'continue');

  stream.close(constants.NGHTTP2_CANCEL);
  await once(stream, 'close');
  await Promise.all([demo.stop(), new Promise<void>((resolve) => session.close(resolve))]);

  expect(stream.closed).toBe(true);
});
