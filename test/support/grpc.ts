import { once } from 'node:events';
import { connect, type IncomingHttpHeaders, type IncomingHttpStatusHeader } from 'node:http2';
import { bed } from './interlock.ts';

/** One call with one message, over HTTP/2 without TLS, through the proxies. */
export async function callGrpc(host: string, path: string, message: string) {
  const { host: address, port } = bed.node('worker1').address(8080);
  const session = connect(`http://${address}:${port}`);
  try {
    const call = session.request({
      ':method': 'POST',
      ':path': path,
      ':authority': host,
      'content-type': 'application/grpc',
      te: 'trailers',
    });
    let trailers: IncomingHttpHeaders = {};
    call.on('trailers', (received) => {
      trailers = received;
    });
    const answered = once(call, 'response', { signal: AbortSignal.timeout(10_000) });
    call.end(frame(message));
    const [headers] = (await answered) as [IncomingHttpHeaders & IncomingHttpStatusHeader];
    const chunks: Buffer[] = [];
    for await (const chunk of call as AsyncIterable<Buffer>) chunks.push(chunk);
    // Each message has a prefix of one compression byte and four length bytes.
    return { headers, trailers, body: Buffer.concat(chunks).subarray(5).toString() };
  } finally {
    session.destroy();
  }
}

function frame(message: string): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(Buffer.byteLength(message), 1);
  return Buffer.concat([head, Buffer.from(message)]);
}
