import { createHash, createPrivateKey, createPublicKey, type KeyObject, X509Certificate } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createSecureContext } from 'node:tls';
import { type CertificateFacts, foreignFacts, type KeyFacts, type SecretFacts } from '../model/material.ts';
import { openSslReason } from './complaint.ts';
import { hidesBlocks, pemBlocks } from './pem.ts';

/** Chains are short, and files of CAs may contain hundreds: the rest is not reported. */
const MAX_CERTIFICATES = 8;
/** Names that all secrets of a task may report together, and their length: they are in each report, which is limited to 1 MB. */
const MAX_NAMES = 10_000;
const MAX_NAMES_LENGTH = 400_000;
/** Of the facts of all secrets, as JSON. The remainder of a report of 1 MB is for everything else in it. */
const MAX_FACTS_LENGTH = 900_000;
const MAX_BYTES = 500 * 1024;
/** Where `prepare-material` leaves what nginx says about secrets that it rejects as CAs. */
const REJECTED_AUTHORITIES = '/tmp/material/.rejected';

/** Facts about the secrets in a folder. Of keys, only a digest of the public part leaves the proxy. */
export async function inspectSecrets(
  folder: string,
  isOurs: (name: string) => boolean,
  rejectedAuthorities = REJECTED_AUTHORITIES,
): Promise<SecretFacts[]> {
  const names = await readdir(folder).catch(() => []);
  const facts: SecretFacts[] = [];
  let left: NameBudget = { count: MAX_NAMES, length: MAX_NAMES_LENGTH };
  for (const name of names.filter((name) => !isOurs(name)).toSorted()) {
    try {
      const content = await readFile(join(folder, name));
      const authority = await readFile(join(rejectedAuthorities, name), 'utf8').catch(() => undefined);
      const found = inspectSecret(name, content.subarray(0, MAX_BYTES), left);
      // It may be a password of somebody else's.
      content.fill(0);
      for (const { names, addresses } of found.certificates) left = spend(left, [...names, ...addresses]);
      facts.push({ ...found, rejectedAuthority: authority === undefined ? '' : openSslReason(authority) });
    } catch {
      // Nothing is reported about what cannot be read, and nginx has the last word.
    }
  }
  return facts;
}

interface NameBudget {
  readonly count: number;
  readonly length: number;
}

const NO_NAMES: NameBudget = { count: 0, length: 0 };

/** With quotes and comma. */
function lengthOf(names: readonly string[]): number {
  return names.reduce((sum, name) => sum + JSON.stringify(name).length + 1, 0);
}

function spend({ count, length }: NameBudget, names: readonly string[]): NameBudget {
  return { count: count - names.length, length: length - lengthOf(names) };
}

/** The first names that the budget allows. */
function afford(names: readonly string[], { count, length }: NameBudget): string[] {
  let spent = 0;
  const tooLong = names.findIndex((name) => {
    spent += lengthOf([name]);
    return spent > length;
  });
  return names.slice(0, Math.min(count, tooLong === -1 ? names.length : tooLong));
}

/** The first facts that fit in a report. Nothing is known of the other secrets: their routes are not judged. */
export function factsThatFit(secrets: readonly SecretFacts[], maxLength = MAX_FACTS_LENGTH): SecretFacts[] {
  let length = 0;
  return secrets.filter((facts) => {
    length += Buffer.byteLength(JSON.stringify(facts)) + 1;
    return length <= maxLength;
  });
}

export function inspectSecret(
  name: string,
  content: Buffer | string,
  budget: NameBudget = { count: MAX_NAMES, length: MAX_NAMES_LENGTH },
): SecretFacts {
  const bytes = typeof content === 'string' ? Buffer.from(content) : content;
  if (!bytes.includes('-----BEGIN ')) return foreignFacts(name);
  const text = bytes.toString('latin1');
  if (!/-----BEGIN (?:[A-Z0-9 ]+ )?(?:CERTIFICATE|PRIVATE KEY)-----/.test(text)) return foreignFacts(name);
  const written = pemBlocks(text).filter(({ label }) => /^(X509 |TRUSTED )?CERTIFICATE$/.test(label));
  const certificates = written.flatMap(({ text }) => parseCertificate(text) ?? []).slice(0, MAX_CERTIFICATES + 1);
  const rejected = rejectionOf(bytes);
  return {
    name,
    certificates: certificates
      .slice(0, MAX_CERTIFICATES)
      .map((own, n) => describe(own, certificates[n + 1], n === 0 ? budget : NO_NAMES)),
    isBroken: rejected !== '' && rejected !== NO_START_LINE,
    rejected,
    rejectedAuthority: '',
    isMaterial: true,
    hidesBlocks: hidesBlocks(text),
    key: inspectKey(bytes, text),
    stapledWith: [],
  };
}

const NO_START_LINE = 'no start line';

/**
 * Why OpenSSL rejects a file as a server's certificate and chain; '' if it accepts it. Node reads it with the same functions of OpenSSL as nginx.
 * Without `ca: []` it would load all public CAs.
 */
function rejectionOf(cert: Buffer): string {
  if (cert.length === 0) return NO_START_LINE;
  try {
    createSecureContext({ cert, ca: [] });
    return '';
  } catch (error) {
    return reasonOf(error);
  }
}

function reasonOf(error: unknown): string {
  const { reason, message } = error as { reason?: string; message: string };
  return openSslReason(reason ?? message);
}

function parseCertificate(block: string): X509Certificate | undefined {
  try {
    return new X509Certificate(block);
  } catch {
    return undefined;
  }
}

function describe(
  certificate: X509Certificate,
  next: X509Certificate | undefined,
  budget: NameBudget,
): CertificateFacts {
  const all = namesOf(certificate);
  const names = afford(all.names, budget);
  const addresses = afford(all.addresses, spend(budget, names));
  const key = publicKeyOf(certificate);
  return {
    names,
    addresses,
    hasAllNames: names.length === all.names.length && addresses.length === all.addresses.length,
    from: certificate.validFromDate.toISOString(),
    until: certificate.validToDate.toISOString(),
    publicKey: key === undefined ? digest(certificate.raw) : digestOf(key),
    keyType: key === undefined ? 'unknown' : typeOf(key),
    rsaBits: key?.asymmetricKeyDetails?.modulusLength ?? 0,
    isFollowedByIssuer: next === undefined || certificate.checkIssued(next),
    wantsStapling: certificate.raw.includes(TLS_FEATURE),
    responder: responderOf(certificate),
  };
}

/** Node does not know every type of key. */
function publicKeyOf(certificate: X509Certificate): KeyObject | undefined {
  try {
    return certificate.publicKey;
  } catch {
    return undefined;
  }
}

function typeOf({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject): string {
  return asymmetricKeyDetails?.namedCurve ?? asymmetricKeyType ?? 'unknown';
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

/** Subject alternative names; without any, the common name counts. Names of other kinds do not. */
function namesOf({ subjectAltName, subject }: X509Certificate): { names: string[]; addresses: string[] } {
  const listed = (kind: string) =>
    [...(subjectAltName ?? '').matchAll(new RegExp(`(?:^|, )${kind}:([^,"]+)`, 'g'))].map(([, name]) => name!);
  const names = listed('DNS').map(normaliseName);
  const addresses = listed('IP Address').flatMap(normaliseAddress);
  const common = /^CN=(.+)$/m.exec(subject ?? '')?.[1];
  if (names.length > 0 || addresses.length > 0 || common === undefined) return { names, addresses };
  return { names: [normaliseName(common)], addresses: normaliseAddress(common) };
}

function normaliseName(name: string): string {
  return name.toLowerCase().replace(/\.$/, '').slice(0, 253);
}

/** As hosts are written: `10.20.30.40`, `[2001:db8::1]`. */
function normaliseAddress(text: string): string[] {
  if (!/^[\d.]+$|^[\da-f:.]*:[\da-f:.]*$/i.test(text)) return [];
  const parsed = URL.parse(text.includes(':') ? `http://[${text}]/` : `http://${text}/`);
  return parsed === null ? [] : [parsed.hostname];
}

function inspectKey(bytes: Buffer, text: string): KeyFacts {
  if (!/-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----/.test(text)) return { kind: 'none' };
  try {
    return { kind: 'plain', publicKey: digestOf(createPublicKey(createPrivateKey(bytes))) };
  } catch (error) {
    return isPasswordMissing(error) ? { kind: 'encrypted' } : { kind: 'unreadable', reason: reasonOf(error) };
  }
}

function isPasswordMissing(error: unknown): boolean {
  const { code } = error as { code?: string };
  return code === 'ERR_MISSING_PASSPHRASE' || code === 'ERR_OSSL_CRYPTO_INTERRUPTED_OR_CANCELLED';
}

/** The same key may be written in several ways: a point on a curve with one coordinate or two, and with or without parameters. */
function digestOf(key: KeyObject): string {
  try {
    const { kty, crv, n, e, x, y } = key.export({ format: 'jwk' });
    return digest(JSON.stringify([kty, crv, n, e, x, y]));
  } catch {
    return digest(key.export({ type: 'spki', format: 'der' }));
  }
}

function digest(content: Buffer | string): string {
  return createHash('sha256').update(content).digest('hex').slice(0, 32);
}
