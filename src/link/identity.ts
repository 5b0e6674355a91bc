import { readFile } from 'node:fs/promises';
import { z } from 'zod';

const identitySchema = z.object({ ca: z.string(), cert: z.string(), key: z.string() });
const authoritySchema = identitySchema.extend({ caKey: z.string() });

/** Reads an identity from a mounted secret. */
export async function readIdentity(path: string) {
  return identitySchema.parse(JSON.parse(await readFile(path, 'utf8')));
}

/** Reads the controller's identity; undefined where the secret is not mounted yet. */
export async function readAuthority(path: string) {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  return text === undefined ? undefined : authoritySchema.parse(JSON.parse(text));
}
