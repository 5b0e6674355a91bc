import { createServer, type Server } from 'node:https';
import type { TLSSocket } from 'node:tls';
import type { ReadSecret } from '../model/encrypted-secrets.ts';
import { controllerName, type Identity } from '../protocol/names.ts';

const LIMITS = {
  maxHeaderSize: 8192,
  handshakeTimeout: 10_000,
  headersTimeout: 10_000,
  requestTimeout: 30_000,
} as const;

/**
 * `GET /secrets` returns a SecretsResponse to the controller, 403 to everybody else. Certificates must be issued by the
 * CA of the control channel.
 */
export function createReaderServer(identity: Identity, secrets: readonly ReadSecret[]): Server {
  const tls = { ...identity, requestCert: true, rejectUnauthorized: true, minVersion: 'TLSv1.3' as const };
  return createServer({ ...tls, ...LIMITS }, (request, response) => {
    const subject = (request.socket as TLSSocket).getPeerX509Certificate()?.subject;
    if (subject !== `CN=${controllerName}`) return void response.writeHead(403).end();
    if (request.method !== 'GET' || request.url !== '/secrets') return void response.writeHead(404).end();
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ secrets }));
  });
}
