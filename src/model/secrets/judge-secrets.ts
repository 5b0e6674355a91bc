import { shownValue } from '../problem.ts';
import { problemKind } from '../problem-kind.ts';
import { revocationTurns } from './judge-revocations.ts';
import type { Material } from './material.ts';
import { type CertificateFacts, NO_START_LINE, type SecretFacts } from './secret-facts.ts';
import { dayOf, refuse, type Verdict, warn } from './verdict.ts';

export const secretMissing = problemKind({
  id: 'secret-missing',
  severity: 'error',
  meaning: `A label or setting names a Docker secret that does not exist. Its hosts are closed or answer 503.`,
  reason: (secret: string, _remedy: string) => `secret ${secret} does not exist`,
  remedy: (_, remedy) => remedy,
  example: ['shop.cert', 'Create it: docker secret create shop.cert <file>.'],
  at: 'com.docker.lb.ssl_cert',
});

export const hostsUncovered = problemKind({
  id: 'certificate-does-not-cover',
  severity: 'error',
  meaning: `A certificate has none of the names of a host. Clients would reject it, so the host is closed. Other hosts of the label are served.`,
  reason: (secret: string) => `the certificate in secret ${secret} does not cover all hosts that use it`,
  remedy: 'Use a certificate that covers them, or remove the hosts from the label.',
  example: ['shop.cert'],
  at: 'com.docker.lb.ssl_cert',
});

export const keyMismatch = problemKind({
  id: 'key-mismatch',
  severity: 'error',
  meaning: `A private key belongs to another certificate.`,
  reason: (key: string, certificate: string) =>
    `the private key in secret ${key} does not match the certificate in secret ${certificate}`,
  remedy: 'Use the key of that certificate.',
  example: ['shop.key', 'shop.cert'],
  at: 'com.docker.lb.ssl_key',
});

export const certificateExpired = problemKind({
  id: 'certificate-expired',
  severity: 'error',
  meaning: `A certificate or CA has expired, or is not valid yet. Clients reject it.`,
  reason: (secret: string, what: string) => `the certificate in secret ${secret} ${what}`,
  remedy: 'Create a secret with a valid certificate, and set the label to it.',
  example: ['shop.cert', 'expired on 2026-05-01'],
  at: 'com.docker.lb.ssl_cert',
});

export const certificateExpires = problemKind({
  id: 'certificate-expires',
  severity: 'warning',
  meaning: `A certificate or CA expires within 30 days.`,
  reason: (secret: string, day: string) => `the certificate in secret ${secret} expires on ${day}`,
  remedy: 'Create a secret with a new certificate, and set the label to it.',
  example: ['shop.cert', '2026-05-01'],
  at: 'com.docker.lb.ssl_cert',
});

const DAY_MS = 86_400_000;
const WARNING_MS = 30 * DAY_MS;
/** Keys with signature algorithms that TLS clients support. nginx loads others, but all handshakes fail. */
const USABLE_KEYS = ['', 'rsa', 'rsa-pss', 'prime256v1', 'secp384r1', 'secp521r1', 'ed25519', 'ed448'];

/** Problems of a server's certificate and key; the first error hides the others. */
export function judgeServer(certificate: string, key: string, { facts, now }: Material): Verdict[] {
  const own = facts.get(certificate);
  const keyOwn = facts.get(key);
  const error =
    (own && judgeForeign(own, 'certificate')) ??
    (keyOwn && judgeForeign(keyOwn, 'key')) ??
    (own && (judgeReadable(own) ?? judgeKeyType(own))) ??
    (keyOwn && judgeKey(keyOwn)) ??
    (own && keyOwn && judgePair(own, keyOwn)) ??
    (own && judgeDates(own.name, own.certificates.slice(0, 1), now));
  if (error) return [error];
  if (own === undefined) return [];
  return [
    ...judgeHidden(own),
    ...judgeChain(own),
    ...judgeStapling(own),
    ...judgeExpiry(own.name, own.certificates.slice(0, 1), now),
  ];
}

/** Problems of one or more CAs. */
export function judgeAuthority(name: string, { facts, now }: Material): Verdict[] {
  const own = facts.get(name);
  if (own === undefined) return [];
  const error =
    judgeForeign(own, 'certificate') ?? judgeReadableAuthority(own) ?? judgeDates(name, own.certificates, now);
  return error ? [error] : judgeExpiry(name, own.certificates, now);
}

/** `similar` is a secret whose name differs only in case. */
export function missingSecret(name: string, similar?: string): Verdict {
  const shown = shownValue(name);
  const remedy =
    similar === undefined ? `Create it: docker secret create ${shown} <file>.` : `Did you mean ${similar}?`;
  return { ...secretMissing(shown, remedy), part: 'certificate' };
}

export function uncovered(certificate: string): Verdict {
  return { ...hostsUncovered(certificate), part: 'certificate' };
}

/** The last time at which a verdict changed: until the next one, verdicts are the same. */
export function judgmentTime(facts: readonly Material['facts'][], now: number): number {
  const secrets = facts.flatMap((known) => [...known.values()]);
  const turns = secrets.flatMap(({ certificates, revocations }) => [
    ...certificates.flatMap(turnsOf),
    ...revocationTurns(revocations),
  ]);
  return Math.max(0, ...turns.filter((turn) => turn <= now));
}

function turnsOf({ from, until }: CertificateFacts): readonly number[] {
  const end = Date.parse(until);
  return [Date.parse(from), end - WARNING_MS, end + 1];
}

const PEM_REMEDY = 'Store the certificates in PEM format, from BEGIN CERTIFICATE to END CERTIFICATE.';
const LINES_REMEDY = 'Put each BEGIN line and each END line on a line of its own, without other text.';

/** OpenSSL's errors in plain words. */
const REJECTIONS: Readonly<Record<string, readonly [reason: string, remedy: string]>> = {
  'bad end line': ['an END line is missing, or is followed by other text', LINES_REMEDY],
  'bad base64 decode': ['a PEM block is not valid base64', 'Copy the file again, without changes.'],
  'ee key too small': [
    'the key is too short',
    'Use a certificate with an RSA key of at least 2048 bits, or an EC key.',
  ],
  'ca key too small': ['a CA in the chain has a key that is too short', 'Use a certificate of another CA.'],
  'ca md too weak': ['a CA in the chain uses a weak digest', 'Use a certificate of another CA.'],
  'ee md too weak': ['it is signed with a weak digest', 'Use a certificate that is signed with SHA-256 or better.'],
};

function judgeForeign({ name, isMaterial, users }: SecretFacts, part: Verdict['part']): Verdict | undefined {
  if (isMaterial) return undefined;
  const detached = users && users.count > 0 ? '' : ', so the proxies no longer receive it';
  const reason = `secret ${name} contains neither a certificate nor a private key in PEM format${detached}`;
  return refuse(part, reason, `${PEM_REMEDY} A secret cannot be changed: create another one.`);
}

function judgeReadable({ name, certificates, isBroken, rejected, hidesBlocks }: SecretFacts): Verdict | undefined {
  if (rejected === NO_START_LINE || (rejected === '' && !isBroken && certificates.length === 0))
    return hidesBlocks ? hidden(name) : refuse('certificate', `secret ${name} contains no certificate`, PEM_REMEDY);
  if (rejected !== '') return rejectedFor(name, 'the certificate', rejected);
  if (!isBroken) return undefined;
  return refuse('certificate', `secret ${name} contains a certificate that cannot be read`, PEM_REMEDY);
}

function judgeReadableAuthority(own: SecretFacts): Verdict | undefined {
  const { name, certificates, rejectedAuthority, hidesBlocks } = own;
  if (rejectedAuthority !== '') return rejectedFor(name, 'the CA', rejectedAuthority);
  if (certificates.length > 0) return undefined;
  if (own.isBroken)
    return refuse('certificate', `secret ${name} contains a certificate that cannot be read`, PEM_REMEDY);
  return hidesBlocks ? hidden(name) : refuse('certificate', `secret ${name} contains no certificate`, PEM_REMEDY);
}

function hidden(name: string): Verdict {
  return refuse(
    'certificate',
    `secret ${name} has text before BEGIN on the same line, so OpenSSL ignores the block`,
    LINES_REMEDY,
  );
}

/** The rest of the file is used: usually a part of the chain is missing. */
function judgeHidden({ name, hidesBlocks }: SecretFacts): Verdict[] {
  if (!hidesBlocks) return [];
  return [warn(`secret ${name} has text before BEGIN on the same line, so OpenSSL ignores the block`, LINES_REMEDY)];
}

function rejectedFor(name: string, subject: string, rejection: string): Verdict {
  const [reason, remedy] = REJECTIONS[rejection] ?? [`OpenSSL reports "${rejection}"`, PEM_REMEDY];
  return refuse('certificate', `${subject} in secret ${name} is rejected: ${reason}`, remedy);
}

function judgeKeyType({ name, certificates: [leaf] }: SecretFacts): Verdict | undefined {
  if (leaf === undefined || USABLE_KEYS.includes(leaf.keyType)) return undefined;
  const reason = `the certificate in secret ${name} has a key of type ${leaf.keyType}, which TLS clients do not support`;
  return refuse('certificate', reason, 'Use a certificate with an RSA key, or an EC key on P-256 or P-384.');
}

function judgeKey({ name, key }: SecretFacts): Verdict | undefined {
  if (key.kind === 'plain') return undefined;
  const remedy = 'Store the key in PEM format.';
  if (key.kind === 'none') return refuse('key', `secret ${name} contains no private key`, remedy);
  if (key.kind === 'unreadable') return refuse('key', `the private key in secret ${name} cannot be read`, remedy);
  const decrypt = 'Remove the password: openssl pkey -in <file> -out <file>.';
  return refuse('key', `the private key in secret ${name} is encrypted`, decrypt);
}

function judgePair(
  { name, certificates, hidesBlocks }: SecretFacts,
  { name: keyName, key }: SecretFacts,
): Verdict | undefined {
  const matches = certificates.map(({ publicKey }) => key.kind === 'plain' && publicKey === key.publicKey);
  if (matches[0]) return undefined;
  if (hidesBlocks) return hidden(name);
  if (!matches.includes(true)) return { ...keyMismatch(keyName, name), part: 'key' };
  return refuse(
    'certificate',
    `the leaf certificate is not the first one in secret ${name}`,
    'Put the leaf certificate first, then the certificates that signed it.',
  );
}

/** One valid certificate is enough: a list of CAs may contain old ones. */
function judgeDates(name: string, certificates: readonly CertificateFacts[], now: number): Verdict | undefined {
  const isValid = certificates.some(({ from, until }) => Date.parse(from) <= now && now <= Date.parse(until));
  if (isValid) return undefined;
  const { from, until } = lastOf(certificates);
  return Date.parse(until) < now
    ? { ...certificateExpired(name, `expired on ${dayOf(until)}`), part: 'certificate' }
    : { ...certificateExpired(name, `is not valid before ${dayOf(from)}`), part: 'certificate' };
}

function judgeExpiry(name: string, certificates: readonly CertificateFacts[], now: number): Verdict[] {
  const { until } = lastOf(certificates);
  if (Date.parse(until) - now > WARNING_MS) return [];
  return [{ ...certificateExpires(name, dayOf(until)), part: 'certificate' }];
}

function judgeChain({ name, certificates }: SecretFacts): Verdict[] {
  const isOrdered = certificates.every(({ isFollowedByIssuer }) => isFollowedByIssuer);
  const remedy = 'Put each certificate directly after the one that it signed.';
  return isOrdered ? [] : [warn(`the certificate chain in secret ${name} is out of order`, remedy)];
}

/** nginx requests the response when it first needs it, and again after each reload. */
function judgeStapling({ name, certificates: [leaf], stapledWith }: SecretFacts): Verdict[] {
  if (!leaf?.wantsStapling) return [];
  const consequence =
    stapledWith.length > 0
      ? 'but the first handshakes after a change have no response'
      : 'which is off: the certificate names no responder, or its issuer does not follow it';
  const reason = `the certificate in secret ${name} requires OCSP stapling, ${consequence}`;
  return [warn(reason, 'Use a certificate without "must staple".')];
}

function lastOf(certificates: readonly CertificateFacts[]): CertificateFacts {
  return certificates.toSorted((a, b) => Date.parse(a.until) - Date.parse(b.until)).at(-1)!;
}
