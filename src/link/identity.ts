import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { Authority } from './certificates.ts';
import type { Identity } from './names.ts';

/** Reads an identity from a mounted secret, which the controller has made. */
export async function readIdentity(path: string): Promise<Identity> {
  const { ca, cert, key } = JSON.parse(await readFile(path, 'utf8')) as Partial<Identity>;
  if (!ca || !cert || !key) throw new Error(`${path} holds no identity`);
  return { ca, cert, key };
}

/** Reads the controller's identity; undefined where the secret is not mounted yet. */
export async function readAuthority(path: string): Promise<Authority | undefined> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (text === undefined) return undefined;
  const { caKey } = JSON.parse(text) as Partial<Authority>;
  if (!caKey) throw new Error(`${path} holds no authority`);
  return { ...(await readIdentity(path)), caKey };
}

/** The cluster that an extension's certificate is for; in lower case, as names in certificates are. */
export function clusterOf({ cert }: Identity): string {
  return new X509Certificate(cert).subject.replace(/^CN=|\.extension\.signalbox$/g, '');
}
