import { digest } from '../../lib/digest.ts';
import { compareText } from '../route.ts';
import type { ConfigurationFile } from '../version.ts';
import { fileDigest } from '../version-digest.ts';
import { type ReadSecret, toEncrypted } from './encrypted-secrets.ts';
import { type EncryptedSecret, secretFile, secretsPath, writeSecretsFile } from './secret-files.ts';

/** The encrypted secrets of a cluster, as files of its versions. */
export interface PackedSecrets {
  readonly files: readonly ConfigurationFile[];
  /** Names of the files in the proxies, by name of the secret. */
  readonly names: ReadonlyMap<string, string>;
}

export function packSecrets(cluster: string, ...read: readonly ReadSecret[]): PackedSecrets {
  const encrypted = read.flatMap((secret) => toEncrypted(secret) ?? []);
  const named = read.filter(({ ciphertext }) => ciphertext !== undefined);
  return {
    files: toSecretFiles(cluster, encrypted),
    names: new Map(named.map(({ id, facts: { name } }) => [name, secretFile({ id, name })])),
  };
}

/** A renewed secret changes one file of about this size. A Docker config holds less than 1,000 KiB. */
const FILE_LENGTH = 128 * 1024;
const MOST_SECRET_FILES = 64;

/** The number of files is a power of two, and each secret has a fixed place: one more or less moves no other. */
export function toSecretFiles(cluster: string, secrets: readonly EncryptedSecret[]): readonly ConfigurationFile[] {
  const length = secrets.reduce((sum, { file, ciphertext }) => sum + file.length + ciphertext.length + 30, 0);
  const count = Math.min(MOST_SECRET_FILES, 2 ** Math.max(0, Math.ceil(Math.log2(length / FILE_LENGTH))));
  const sorted = secrets.toSorted((a, b) => compareText(a.file, b.file));
  const places = Map.groupBy(sorted, ({ file }) => Number.parseInt(digest(file).slice(0, 8), 16) % count);
  return [...places]
    .toSorted(([a], [b]) => a - b)
    .map(([place, placed]) => {
      const [path, text] = [secretsPath(place), writeSecretsFile(placed)];
      return { path, digest: fileDigest(cluster, path, text), text };
    });
}
