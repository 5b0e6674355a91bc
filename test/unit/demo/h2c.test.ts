import { once } from 'node:events';
import { type ClientHttp2Session, connect, type OutgoingHttpHeaders } from 'node:http2';
import { buffer } from 'node:stream/consumers';
import { expect, it } from 'vitest';
import { about, startDemo } from './support.ts';

const grpcFrame = Buffer.from([0, 0, 0, 0, 3, 10, 1, 65]);

function open(url: string): ClientHttp2Session & AsyncDisposable {
  const session = connect(url);
  return Object.assign(session, {
    [Symbol.asyncDispose]: async () => {
      if (!session.destroyed) await new Promise<void>((resolve) => session.close(resolve));
    },
  });
}

async function send(session: ClientHttp2Session, headers: OutgoingHttpHeaders, body?: Buffer) {
  const stream = session.request(headers, { endStream: body === undefined });
  const [[answered], content] = await Promise.all([once(stream, 'response'), buffer(stream.end(body))]);
  return { headers: answered, body: content };
}

it('answers /ping and /echo over HTTP/2 without TLS', async () => {
  await using demo = await startDemo();
  await using session = open(demo.h2cUrl);

  const ping = await send(session, { ':path': '/ping', 'x-request-id': 'abc' });
  const echo = await send(session, { ':path': '/echo?a', ':method': 'POST' }, Buffer.from('hi'));

  expect(JSON.parse(String(ping.body))).toEqual({ ...about, request_id: 'abc' });
  expect(JSON.parse(String(echo.body))).toMatchObject({ httpVersion: '2.0', url: '/echo?a', body: 'hi' });
});

it('answers a gRPC call with the message it received', async () => {
  await using demo = await startDemo();
  await using session = open(demo.h2cUrl);
  const stream = session.request({ ':path': '/demo.Echo/Say', ':method': 'POST', 'content-type': 'application/grpc' });

  stream.end(grpcFrame);
  const [[headers], [trailers], body] = await Promise.all([
    once(stream, 'response'),
    once(stream, 'trailers'),
    buffer(stream),
  ]);

  expect(headers).toMatchObject({ ':status': 200, 'content-type': 'application/grpc' });
  expect(body).toEqual(grpcFrame);
  expect(trailers).toMatchObject({ 'grpc-status': '0' });
});

it('rejects other gRPC methods', async () => {
  await using demo = await startDemo();
  await using session = open(demo.h2cUrl);

  const { headers } = await send(
    session,
    { ':path': '/demo.Echo/Sing', ':method': 'POST', 'content-type': 'application/grpc' },
    grpcFrame,
  );

  expect(headers).toMatchObject({ ':status': 200, 'grpc-status': '12' });
});
