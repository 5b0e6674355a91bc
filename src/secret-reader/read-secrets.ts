import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ReadSecret } from '../model/secrets/encrypted-secrets.ts';
import { isForProxies } from '../model/secrets/secret-facts.ts';
import { encrypt } from '../protocol/encryption.ts';
import { inspectSecret } from '../tls-material/inspect-secrets.ts';

/** A secret that Swarm mounts into this job, under its ID. */
export interface WantedSecret {
  readonly id: string;
  readonly name: string;
  /** Name of the file in the proxies. */
  readonly file: string;
}

export interface Recipient {
  readonly cluster: string;
  readonly publicKey: string;
}

/** Secrets that are not mounted are left out. */
export async function readSecrets(
  folder: string,
  wanted: readonly WantedSecret[],
  { cluster, publicKey }: Recipient,
): Promise<readonly ReadSecret[]> {
  const read = wanted.map(async ({ id, name, file }): Promise<readonly ReadSecret[]> => {
    const content = await readFile(join(folder, id)).catch(() => undefined);
    if (content === undefined) return [];
    const facts = inspectSecret(name, content);
    const ciphertext = isForProxies(facts) ? await encrypt(publicKey, { cluster, file }, content) : undefined;
    content.fill(0);
    return [{ id, facts, ...(ciphertext === undefined ? {} : { ciphertext }) }];
  });
  return (await Promise.all(read)).flat();
}
