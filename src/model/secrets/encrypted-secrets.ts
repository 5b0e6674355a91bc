import { digest } from '../../lib/digest.ts';
import { clusterLabel, encryptedSecretLabel, publicKeyLabel } from '../names.ts';
import type { NewObject, StoredObject } from '../snapshot.ts';
import type { SecretFacts } from './secret-facts.ts';
import { type EncryptedSecret, secretFile } from './secret-files.ts';

/** Signs with the key of the control channel's CA; base64. */
export type Sign = (text: string) => string;
export type IsSigned = (text: string, signature: string) => boolean;

/** What the job in `secret-reader` returns for a secret. */
export interface ReadSecret {
  /** The Docker secret's ID, under which its content never changes. */
  readonly id: string;
  readonly facts: SecretFacts;
  /** Content, encrypted for the proxies of a cluster; absent if it is not intended for them. */
  readonly ciphertext?: string | undefined;
}

/** The secrets that a cluster's proxies can decrypt, by ID. */
export type ReadSecrets = ReadonlyMap<string, ReadSecret>;

/** Stores a secret as a Docker config, so that no job has to read it again. */
export function toConfig(cluster: string, publicKey: string, read: ReadSecret, sign: Sign): NewObject {
  const text = JSON.stringify(read);
  return {
    // Swarm allows 64 characters; a cluster's name takes up to 31 of them. Two controllers choose the same name.
    name: `signalbox.secret.${cluster}.${digest(`${read.id} ${publicKey}`)}`,
    labels: {
      [clusterLabel]: cluster,
      [encryptedSecretLabel]: read.id,
      [publicKeyLabel]: publicKey,
    },
    data: JSON.stringify({ read: text, signature: sign(purposeOf(cluster, publicKey, text)) }),
  };
}

/** The secret in such a config; undefined if this controller's CA has not signed it: anybody with the Docker API can create configs. */
export function fromConfig(
  cluster: string,
  publicKey: string,
  data: string,
  isSigned: IsSigned,
): ReadSecret | undefined {
  try {
    const { read, signature } = JSON.parse(data) as { readonly read: string; readonly signature: string };
    return isSigned(purposeOf(cluster, publicKey, read), signature) ? (JSON.parse(read) as ReadSecret) : undefined;
  } catch {
    return undefined;
  }
}

function purposeOf(cluster: string, publicKey: string, text: string): string {
  return JSON.stringify(['signalbox encrypted secret', cluster, publicKey, text]);
}

export function isEncryptedSecretConfig({ labels }: StoredObject): boolean {
  return labels[encryptedSecretLabel] !== undefined;
}

/** Whether a config belongs to these proxies. */
export function isFor(cluster: string, publicKey: string | undefined, { labels }: StoredObject): boolean {
  return (
    labels[encryptedSecretLabel] !== undefined &&
    labels[clusterLabel] === cluster &&
    labels[publicKeyLabel] === publicKey
  );
}

/** As it travels with a version; undefined if it is not intended for proxies. */
export function toEncrypted({ id, facts, ciphertext }: ReadSecret): EncryptedSecret | undefined {
  return ciphertext === undefined ? undefined : { file: secretFile({ id, name: facts.name }), ciphertext };
}
