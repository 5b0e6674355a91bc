import { createHash, createPrivateKey, createPublicKey, type KeyObject, X509Certificate } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createSecureContext } from 'node:tls';
import { Recent } from '../lib/recent.ts';
import {
  type CertificateFacts,
  foreignFacts,
  type KeyFacts,
  NO_START_LINE,
  type SecretFacts,
} from '../model/secrets/secret-facts.ts';
import { openSslReason } from './complaint.ts';
import { inspectRevocations } from './inspect-revocations.ts';
import { inspectUsers } from './inspect-users.ts';
import { hidesBlocks, pemBlocks } from './pem.ts';

/** Chains are short, but CA files may contain hundreds of certificates: further ones are not reported. */
const MAX_CERTIFICATES = 8;
/** The maximum number and length of the names that all secrets of a task report together: every report includes them and is limited to 1 MB. */
const MAX_NAMES = 10_000;
const MAX_NAMES_LENGTH = 400_000;
/** The maximum length of the facts of all secrets, as JSON. The remainder of a 1 MB report is for everything else. */
const MAX_FACTS_LENGTH = 900_000;
const MAX_BYTES = 500 * 1024;
/** Where `prepare-material` stores nginx's errors about secrets that it rejects as CAs. */
const REJECTED_AUTHORITIES = '/tmp/material/.rejected';

/** Reports facts about the secrets in a folder. Of a key, only a digest of its public part leaves the proxy. */
export async function inspectSecrets(
  folder: string,
  isOurs: (name: string) => boolean,
  rejectedAuthorities = REJECTED_AUTHORITIES,
  inspect: Inspect = inspectSecret,
): Promise<SecretFacts[]> {
  const names = await readdir(folder).catch(() => []);
  const facts: SecretFacts[] = [];
  let left = MOST_NAMES;
  for (const name of names.filter((name) => !isOurs(name)).toSorted()) {
    try {
      const content = await readFile(join(folder, name));
      const authority = await readFile(join(rejectedAuthorities, name), 'utf8').catch(() => undefined);
      const found = within(left, inspect(name, content.subarray(0, MAX_BYTES)));
      // The secret may be an unrelated password.
      content.fill(0);
      for (const { names, addresses } of found.certificates) left = spend(left, [...names, ...addresses]);
      facts.push({ ...found, rejectedAuthority: authority === undefined ? '' : openSslReason(authority) });
    } catch {
      // Unreadable secrets are not reported; nginx validates them anyway.
    }
  }
  return facts;
}

export type Inspect = (name: string, content: Buffer) => SecretFacts;

const MOST_INSPECTED = 1000;

/** Inspects a content once: when a secret arrives, the others are still the same. */
export function inspectOnce(inspect: Inspect = inspectSecret): Inspect {
  const known = new Recent<SecretFacts>(MOST_INSPECTED);
  return (name, content) => {
    const id = `${digest(content)} ${name}`;
    const facts = known.get(id) ?? inspect(name, content);
    known.set(id, facts);
    return facts;
  };
}

interface NameBudget {
  readonly count: number;
  readonly length: number;
}

const MOST_NAMES: NameBudget = { count: MAX_NAMES, length: MAX_NAMES_LENGTH };
const NO_NAMES: NameBudget = { count: 0, length: 0 };

/** Includes quotes and the comma. */
function lengthOf(names: readonly string[]): number {
  return names.reduce((sum, name) => sum + JSON.stringify(name).length + 1, 0);
}

function spend({ count, length }: NameBudget, names: readonly string[]): NameBudget {
  return { count: count - names.length, length: length - lengthOf(names) };
}

/** The first names that fit in the budget. */
function afford(names: readonly string[], { count, length }: NameBudget): string[] {
  let spent = 0;
  const tooLong = names.findIndex((name) => {
    spent += lengthOf([name]);
    return spent > length;
  });
  return names.slice(0, Math.min(count, tooLong === -1 ? names.length : tooLong));
}

/** The first facts that fit in a report. The other secrets stay unknown, and their routes are not judged. */
export function factsThatFit(secrets: readonly SecretFacts[], maxLength = MAX_FACTS_LENGTH): SecretFacts[] {
  let length = 0;
  return secrets.filter((facts) => {
    length += Buffer.byteLength(JSON.stringify(facts)) + 1;
    return length <= maxLength;
  });
}

/** The same facts with only the names that fit in the budget. */
export function within(budget: NameBudget, { certificates, ...facts }: SecretFacts): SecretFacts {
  return { ...facts, certificates: certificates.map((certificate) => withNames(certificate, budget)) };
}

function withNames(certificate: CertificateFacts, budget: NameBudget): CertificateFacts {
  const names = afford(certificate.names, budget);
  const addresses = afford(certificate.addresses, spend(budget, names));
  const isComplete = names.length === certificate.names.length && addresses.length === certificate.addresses.length;
  return { ...certificate, names, addresses, hasAllNames: certificate.hasAllNames && isComplete };
}

export function inspectSecret(name: string, content: Buffer | string): SecretFacts {
  const bytes = typeof content === 'string' ? Buffer.from(content) : content;
  const text = bytes.toString('latin1');
  if (!/-----BEGIN (?:[A-Z0-9 ]+ )?(?:CERTIFICATE|PRIVATE KEY|X509 CRL)-----/.test(text))
    return { ...foreignFacts(name), users: inspectUsers(text) };
  const written = pemBlocks(text).filter(({ label }) => /^(X509 |TRUSTED )?CERTIFICATE$/.test(label));
  const certificates = written.flatMap(({ text }) => parseCertificate(text) ?? []).slice(0, MAX_CERTIFICATES + 1);
  const rejected = rejectionOf(bytes);
  const revocations = inspectRevocations(text);
  return {
    name,
    certificates: certificates
      .slice(0, MAX_CERTIFICATES)
      .map((own, n) => describe(own, certificates[n + 1], n === 0 ? MOST_NAMES : NO_NAMES)),
    isBroken: rejected !== '' && rejected !== NO_START_LINE,
    rejected,
    rejectedAuthority: '',
    isMaterial: true,
    hidesBlocks: hidesBlocks(text),
    key: inspectKey(bytes, text),
    ...(revocations && { revocations }),
    users: { count: 0 },
    stapledWith: [],
  };
}

/**
 * Why OpenSSL rejects a file as a server's certificate and chain; '' if it accepts the file. Node reads it with the same OpenSSL functions as nginx.
 * Without `ca: []`, Node would load all public CAs.
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
    issuer: issuerOf(certificate),
    responder: responderOf(certificate),
  };
}

/** Node does not support every key type. */
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

/** The object identifier 1.3.6.1.5.5.7.1.24 of the "must staple" extension. */
const TLS_FEATURE = Buffer.from('06082b06010505070118', 'hex');

/** Requests are sent to this URL, and certificates may be hostile: only plain URLs are accepted. */
function responderOf({ infoAccess }: X509Certificate): string {
  return (
    /^OCSP - URI:(http:\/\/[a-z0-9.-]{1,253}(?::\d{1,5})?(?:\/[a-z0-9._~/-]{0,30})?)$/im.exec(infoAccess ?? '')?.[1] ??
    ''
  );
}

/** `Let's Encrypt R11` */
function issuerOf({ issuer }: X509Certificate): string {
  const parts = ['O', 'CN'].flatMap((kind) => new RegExp(`^${kind}=(.{1,64})`, 'm').exec(issuer ?? '')?.[1] ?? []);
  return [...new Set(parts)].join(' ');
}

/** Subject alternative names, or the common name if there are none. Names of other kinds are ignored. */
function namesOf({ subjectAltName, subject }: X509Certificate): { names: string[]; addresses: string[] } {
  const listed = (kind: string) =>
    [...(subjectAltName ?? '').matchAll(new RegExp(`(?:^|, )${kind}:([^,"]+)`, 'g'))].map(([, name]) => name!);
  const names = listed('DNS').map(normalizeName);
  const addresses = listed('IP Address').flatMap(normalizeAddress);
  const common = /^CN=(.+)$/m.exec(subject ?? '')?.[1];
  if (names.length > 0 || addresses.length > 0 || common === undefined) return { names, addresses };
  return { names: [normalizeName(common)], addresses: normalizeAddress(common) };
}

function normalizeName(name: string): string {
  return name.toLowerCase().replace(/\.$/, '').slice(0, 253);
}

/** In the format of hosts: `10.20.30.40`, `[2001:db8::1]`. */
function normalizeAddress(text: string): string[] {
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

/** The same key may be encoded in several ways: a curve point with one coordinate or two, with or without parameters. */
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
