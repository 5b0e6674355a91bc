import { createHash, createPrivateKey, createPublicKey, type KeyObject, X509Certificate } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { CertificateFacts, KeyFacts, SecretFacts } from '../model/material.ts';

/** More are not told of: chains are short, and files of CAs may hold hundreds. */
const MAX_CERTIFICATES = 8;
const MAX_NAMES = 100;
const MAX_BYTES = 500 * 1024;

/** What is in the secrets of a folder. Of keys nothing leaves but a digest of their public part. */
export async function inspectSecrets(folder: string, isOurs: (name: string) => boolean): Promise<SecretFacts[]> {
  const names = await readdir(folder).catch(() => []);
  const facts: SecretFacts[] = [];
  for (const name of names.filter((name) => !isOurs(name)).toSorted()) {
    try {
      const content = await readFile(join(folder, name));
      facts.push(inspectSecret(name, content.subarray(0, MAX_BYTES).toString('latin1')));
    } catch {
      // A kind of key that Node does not know, say: nothing is told of it, and nginx has the last word.
    }
  }
  return facts;
}

export function inspectSecret(name: string, text: string): SecretFacts {
  const blocks = [...text.matchAll(/-----BEGIN ([A-Z0-9 ]+)-----[\s\S]*?-----END \1-----/g)];
  // One that begins and does not end is read by nginx, too, and refused.
  const begun = text.match(/-----BEGIN (X509 |TRUSTED )?CERTIFICATE-----/g)?.length ?? 0;
  const written = blocks.filter(([, label]) => /^(X509 |TRUSTED )?CERTIFICATE$/.test(label!));
  const parsed = written.map(([block]) => parseCertificate(block));
  const certificates = parsed.flatMap((certificate) => certificate ?? []);
  return {
    name,
    certificates: certificates.slice(0, MAX_CERTIFICATES).map((own, n) => describe(own, certificates[n + 1])),
    isBroken: certificates.length < begun,
    key: inspectKey(blocks.find(([, label]) => label!.endsWith('PRIVATE KEY'))?.[0]),
    stapledWith: [],
  };
}

function parseCertificate(block: string): X509Certificate | undefined {
  try {
    return new X509Certificate(block);
  } catch {
    return undefined;
  }
}

function describe(certificate: X509Certificate, next: X509Certificate | undefined): CertificateFacts {
  return {
    names: namesOf(certificate),
    from: certificate.validFromDate.toISOString(),
    until: certificate.validToDate.toISOString(),
    publicKey: digestOf(certificate.publicKey),
    rsaBits: certificate.publicKey.asymmetricKeyDetails?.modulusLength ?? 0,
    isFollowedByIssuer: next === undefined || certificate.checkIssued(next),
    wantsStapling: certificate.raw.includes(TLS_FEATURE),
    responder: responderOf(certificate),
  };
}

/** The object identifier 1.3.6.1.5.5.7.1.24 of the extension that says "must staple". */
const TLS_FEATURE = Buffer.from('06082b06010505070118', 'hex');

/** Requests are sent there, and what is in a certificate may be hostile: plain URLs alone. */
function responderOf({ infoAccess }: X509Certificate): string {
  return (
    /^OCSP - URI:(http:\/\/[a-z0-9.-]{1,253}(?::\d{1,5})?(?:\/[a-z0-9._~/-]{0,30})?)$/im.exec(infoAccess ?? '')?.[1] ??
    ''
  );
}

/** Those of the extension for names; where there is none the common name counts, as with OpenSSL. */
function namesOf({ subjectAltName, subject }: X509Certificate): string[] {
  const names = [...(subjectAltName ?? '').matchAll(/(?:^|, )DNS:([^,"]+)/g)].map(([, name]) => name!);
  const common = /^CN=(.+)$/m.exec(subject ?? '')?.[1];
  const chosen = names.length > 0 || common === undefined ? names : [common];
  return chosen.slice(0, MAX_NAMES).map((name) => name.toLowerCase().slice(0, 253));
}

function inspectKey(block: string | undefined): KeyFacts {
  if (block === undefined) return { kind: 'none' };
  if (/BEGIN ENCRYPTED PRIVATE KEY|^Proc-Type: 4,ENCRYPTED/m.test(block)) return { kind: 'encrypted' };
  try {
    return { kind: 'plain', publicKey: digestOf(createPublicKey(createPrivateKey(block))) };
  } catch {
    return { kind: 'unreadable' };
  }
}

function digestOf(key: KeyObject): string {
  const der = key.export({ type: 'spki', format: 'der' });
  return createHash('sha256').update(der).digest('hex').slice(0, 32);
}
