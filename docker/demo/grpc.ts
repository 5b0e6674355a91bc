import type { Exchange, Incoming, Outgoing } from './exchange.ts';

interface WithTrailers extends Outgoing {
  addTrailers(trailers: Record<string, string>): void;
}

const unimplemented = { 'grpc-status': '12', 'grpc-message': 'unknown method' };

export function isGrpc({ method, headers, httpVersion }: Incoming): boolean {
  return httpVersion === '2.0' && method === 'POST' && (headers['content-type'] ?? '').startsWith('application/grpc');
}

/** /demo.Echo/Say: echoes the received frames, so it serves unary and streaming calls alike. */
export function answerGrpc({ request, response }: Exchange): void {
  response.setHeader('content-type', request.headers['content-type'] ?? 'application/grpc');
  if (request.url !== '/demo.Echo/Say') {
    for (const [name, value] of Object.entries(unimplemented)) response.setHeader(name, value);
    response.end();
    return;
  }
  (response as WithTrailers).addTrailers({ 'grpc-status': '0' });
  request.pipe(response);
}
