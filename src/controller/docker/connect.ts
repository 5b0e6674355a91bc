import { readFileSync } from 'node:fs';
import Docker from 'dockerode';
import type { CoreSettings } from '../../model/settings/keys.ts';
import { withDeadline } from './deadline.ts';

type Connection = Pick<CoreSettings, 'DockerURL' | 'TLSCACert' | 'TLSCert' | 'TLSKey' | 'AllowInsecure'>;

/** A Docker API client for the address in the settings: a socket, or TCP with or without TLS. Every call has a timeout. */
export function connectDocker(connection: Connection, timeoutMs?: number): Docker {
  return withDeadline(connect(connection), timeoutMs);
}

function connect({ DockerURL, TLSCACert, TLSCert, TLSKey, AllowInsecure }: Connection): Docker {
  if (DockerURL.startsWith('unix://')) return new Docker({ socketPath: DockerURL.slice('unix://'.length) });
  const { hostname, port, protocol } = new URL(DockerURL);
  const secure = TLSCACert !== '' || TLSCert !== '' || protocol === 'https:';
  const file = (path: string) => (path === '' ? undefined : readFileSync(path));
  const tls = { ca: file(TLSCACert), cert: file(TLSCert), key: file(TLSKey), rejectUnauthorized: !AllowInsecure };
  return new Docker({
    host: hostname,
    port: port || (secure ? 2376 : 2375),
    protocol: secure ? 'https' : 'http',
    ...(secure ? (tls as object) : {}),
  });
}
