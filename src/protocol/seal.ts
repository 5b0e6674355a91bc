import { createHash, sign, verify, X509Certificate } from 'node:crypto';
import type { Seal, StoredVersion } from '../model/version.ts';
import { extensionName, type Identity } from './names.ts';

/** A version with the SHA-256 of each file's content, in the order of the files. */
export interface HashedVersion extends Pick<StoredVersion, 'version'> {
  readonly boot: string;
  readonly files: readonly { readonly path: string; readonly hash: string }[];
}

export function contentHash(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/**
 * Files on a proxy's volume outlive its tasks, and every container that mounts the volume can write to it. So the extension signs each
 * version for the specification it is offered to, and a starting proxy accepts nothing else. Version digests are too short for this: an
 * attacker who controls labels could find two texts with the same digest.
 */
export function sealVersion({ cert, key }: Identity, version: HashedVersion): Seal {
  return { certificate: cert, signature: sign('sha256', message(version), key).toString('base64') };
}

/** Why a seal is invalid; undefined if this cluster's extension signed exactly this version. */
export function sealFault(
  ca: string,
  cluster: string,
  version: HashedVersion,
  seal: Seal | undefined,
): string | undefined {
  if (seal === undefined) return `Version ${version.version} is not signed`;
  try {
    const certificate = new X509Certificate(seal.certificate);
    const authority = new X509Certificate(ca);
    // Dates are not checked: a proxy must start even if everything else is unavailable.
    const isOurs = certificate.checkIssued(authority) && certificate.verify(authority.publicKey);
    if (!isOurs || certificate.subject !== `CN=${extensionName(cluster)}`)
      return `Version ${version.version} is not signed by the extension of this cluster`;
    const signature = Buffer.from(seal.signature, 'base64');
    if (verify('sha256', message(version), certificate.publicKey, signature)) return undefined;
  } catch {
    // Unreadable content was not written by an extension.
  }
  return `The content of version ${version.version} does not match its signature`;
}

function message({ boot, version, files }: HashedVersion): Buffer {
  return Buffer.from(JSON.stringify(['signalbox version', boot, version, files.map(({ path, hash }) => [path, hash])]));
}
