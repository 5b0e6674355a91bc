import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { OwnSecret } from './docker/adopt-identity.ts';
import { createAuthority } from './link/certificates.ts';
import { adminPasswordTarget, controllerSecretTarget, viewerPasswordTarget } from './model/names.ts';

/** What the controller keeps in Docker secrets of its own, and how each is made at the first start. */
export function ownSecrets(now: () => number): readonly OwnSecret[] {
  const createPassword = async () => randomBytes(18).toString('base64url');
  return [
    {
      name: 'signalbox.controller',
      target: controllerSecretTarget,
      create: async () => JSON.stringify(await createAuthority(now())),
    },
    { name: 'signalbox.admin-password', target: adminPasswordTarget, create: createPassword },
    { name: 'signalbox.viewer-password', target: viewerPasswordTarget, create: createPassword },
  ];
}

/** Text of a mounted secret; undefined where it is not mounted. Who made it with an editor may have ended it with a line break. */
export async function readSecret(target: string): Promise<string | undefined> {
  try {
    return (await readFile(`/run/secrets/${target}`, 'utf8')).trimEnd();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
