import type { Server } from 'node:https';
import type { ReadSecret } from '../model/secrets/encrypted-secrets.ts';
import { createChannelServer } from '../protocol/channel-server.ts';
import { controllerName, type Identity } from '../protocol/names.ts';

export interface ReaderServerOptions {
  readonly identity: Identity;
  readonly secrets: readonly ReadSecret[];
  readonly onFailure: (error: Error) => void;
}

const MAX_CONNECTIONS = 64;

/** `GET /secrets` returns a SecretsResponse to the controller, 403 to everybody else. */
export function createReaderServer({ identity, secrets, onFailure }: ReaderServerOptions): Server {
  const handlers = { 'GET /secrets': async () => ({ status: 200, body: { secrets } }) };
  return createChannelServer({
    identity,
    roles: { [controllerName]: handlers },
    maxConnections: MAX_CONNECTIONS,
    onFailure,
  });
}
