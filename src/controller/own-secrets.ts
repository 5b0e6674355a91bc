import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import {
  adminPasswordTarget,
  controllerSecretTarget,
  namedSecretPrefix,
  viewerPasswordTarget,
} from '../model/names.ts';
import { mountedSecretsFolder } from '../model/secrets/secret-files.ts';
import { controllerSecrets, type Settings } from '../model/settings/settings.ts';
import { createAuthority } from '../protocol/certificates.ts';
import type { OwnSecret } from './docker/adopt-identity.ts';

/** The controller's own Docker secrets, and how each is created at the first start. */
export function ownSecrets(now: () => number): readonly OwnSecret[] {
  const createPassword = async () => randomBytes(18).toString('base64url');
  const secrets = [
    {
      name: 'signalbox.controller',
      target: controllerSecretTarget,
      create: async () => JSON.stringify(await createAuthority(now())),
    },
    { name: 'signalbox.admin-password', target: adminPasswordTarget, create: createPassword },
    { name: 'signalbox.viewer-password', target: viewerPasswordTarget, create: createPassword },
  ];
  // A secret that was removed while detached is created again with the content that this controller uses.
  return secrets.map(({ create, ...secret }) => ({
    ...secret,
    create: async () => (await readSecret(secret.target)) ?? (await create()),
  }));
}

/** Secrets named in the settings. Each is mounted under its own name, so that another name in the settings is another file. */
export function namedSecrets(settings: Pick<Settings, 'core' | 'oidc' | 'webhooks'>): readonly OwnSecret[] {
  return controllerSecrets(settings).map((name) => ({ name, target: namedSecretTarget(name) }));
}

/** The secrets that this task does not have. */
export async function unmounted(secrets: readonly OwnSecret[]): Promise<OwnSecret[]> {
  const texts = await Promise.all(secrets.map(({ target }) => readSecret(target)));
  return secrets.filter((_, index) => texts[index] === undefined);
}

/** Text of a secret named in the settings; undefined if it is not mounted. */
export function readNamedSecret(name: string): Promise<string | undefined> {
  return readSecret(namedSecretTarget(name));
}

function namedSecretTarget(name: string): string {
  return `${namedSecretPrefix}${name}`;
}

/** Text of a mounted secret; undefined if it is not mounted. Strips the final line break that editors add. */
export async function readSecret(target: string): Promise<string | undefined> {
  try {
    return (await readFile(`${mountedSecretsFolder}/${target}`, 'utf8')).trimEnd();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
