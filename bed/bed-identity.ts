import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type Docker from 'dockerode';
import { createAuthority, issueIdentity } from '../src/protocol/certificates.ts';
import type { Identity } from '../src/protocol/names.ts';
import { stateDir } from './places.ts';

/**
 * The engines of a bed listen on the bed's network, which applications also use. So they accept only clients with a
 * certificate from the bed's own CA. All nodes and their clients share one identity. The CA's key is not kept.
 */
export async function createBedIdentity(addresses: readonly string[]): Promise<Identity> {
  const now = Date.now();
  return issueIdentity(await createAuthority(now), 'bed', now, ['127.0.0.1', ...addresses]);
}

const variables = { ca: 'SIGNALBOX_TLS_CA', cert: 'SIGNALBOX_TLS_CERT', key: 'SIGNALBOX_TLS_KEY' } as const;

/** Passed in the environment of a node: anyone who can read it controls the outer engine, and with it the node. */
export function identityEnvironment({ ca, cert, key }: Identity): Record<string, string> {
  return { [variables.ca]: ca, [variables.cert]: cert, [variables.key]: key };
}

/** Undefined for a node that an earlier version of the bed created. */
export function identityOf({ Config }: Docker.ContainerInspectInfo): Identity | undefined {
  const environment = new Map(Config.Env.map((line) => [line.split('=', 1)[0], line.slice(line.indexOf('=') + 1)]));
  const [ca, cert, key] = [variables.ca, variables.cert, variables.key].map((name) => environment.get(name));
  return ca && cert && key ? { ca, cert, key } : undefined;
}

/** Folder for `DOCKER_CERT_PATH`, readable by this user only. */
export function certificatesFolder(bed: string, identity: Identity): string {
  const folder = join(stateDir, 'tls', bed);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  for (const name of ['ca', 'cert', 'key'] as const) writeIfChanged(join(folder, `${name}.pem`), identity[name]);
  return folder;
}

/** Several processes use a bed at the same time, so files are written atomically. */
function writeIfChanged(path: string, text: string): void {
  if (readIfPresent(path) === text) return;
  const draft = `${path}.${process.pid}`;
  writeFileSync(draft, text, { mode: 0o600 });
  renameSync(draft, path);
}

function readIfPresent(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
