import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { Authority } from './certificates.ts';
import type { Identity } from './names.ts';

/** Reads an identity from a mounted secret created by the controller. */
export async function readIdentity(path: string): Promise<Identity> {
  const { ca, cert, key } = JSON.parse(await readFile(path, 'utf8')) as Partial<Identity>;
  if (!ca || !cert || !key) throw new Error(`${path} contains no identity`);
  return { ca, cert, key };
}

/** The private key of the cluster's proxies, in the same secret; undefined in those of earlier releases. */
export async function readSecretsKey(path: string): Promise<string | undefined> {
  const { secretsKey } = JSON.parse(await readFile(path, 'utf8')) as { readonly secretsKey?: string };
  return secretsKey;
}

/** Reads the controller's identity; undefined if the secret is not mounted yet. */
export async function readAuthority(path: string): Promise<Authority | undefined> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (text === undefined) return undefined;
  const { caKey } = JSON.parse(text) as Partial<Authority>;
  if (!caKey) throw new Error(`${path} contains no certificate authority`);
  return { ...(await readIdentity(path)), caKey };
}

/** The cluster of an extension's certificate, in lower case like all names in certificates. */
export function clusterOf({ cert }: Identity): string {
  return new X509Certificate(cert).subject.replace(/^CN=|\.extension\.signalbox$/g, '');
}
