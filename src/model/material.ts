import type { ReadSecrets } from './encrypted-secrets.ts';
import type { Host } from './host.ts';
import { shownValue } from './problem.ts';
import type { UserFacts } from './users.ts';

/** A proxy's facts about a secret: enough to judge it, but nothing confidential. */
export interface SecretFacts {
  readonly name: string;
  /** In the order of the file, only the first few. */
  readonly certificates: readonly CertificateFacts[];
  /** Whether OpenSSL rejects its certificates. Earlier releases report only this. */
  readonly isBroken: boolean;
  /** OpenSSL's error for the file as a server's certificate and chain; '' if it accepts the file. */
  readonly rejected: string;
  /** nginx's error for the file as a list of CAs; '' if it accepts the file. */
  readonly rejectedAuthority: string;
  /** Whether it has a certificate or private key in PEM, valid or not. If not, it is not intended for a proxy. */
  readonly isMaterial: boolean;
  /** Whether the file has PEM blocks with text before BEGIN on the same line, which OpenSSL ignores. */
  readonly hidesBlocks: boolean;
  readonly key: KeyFacts;
  /** The file as a list of users. Absent in reports of earlier releases. */
  readonly users?: UserFacts | undefined;
  /** Secrets with its key. Only if it names an OCSP responder, is followed by its issuer, and nginx accepts both unchanged. */
  readonly stapledWith: readonly string[];
}

export interface CertificateFacts {
  /** DNS names of the certificate, in lower case. Reported for the first certificate only. */
  readonly names: readonly string[];
  /** Addresses of the certificate, in the format of hosts: `10.20.30.40`, `[2001:db8::1]`. */
  readonly addresses: readonly string[];
  /** False if there are too many to report. */
  readonly hasAllNames: boolean;
  /** RFC 3339. */
  readonly from: string;
  readonly until: string;
  /** Digest of the public key, which is equal for the matching private key. */
  readonly publicKey: string;
  /** Algorithm, or the name of an elliptic curve; '' in reports of earlier releases. */
  readonly keyType: string;
  /** Size of an RSA key; 0 for other keys. */
  readonly rsaBits: number;
  /** The next certificate has signed it, or there is none. */
  readonly isFollowedByIssuer: boolean;
  /** Clients must require OCSP stapling. */
  readonly wantsStapling: boolean;
  /** URL of the OCSP responder; '' if there is none over HTTP or it is not accepted. */
  readonly responder: string;
}

export type KeyFacts =
  | { readonly kind: 'none' | 'encrypted' }
  | { readonly kind: 'unreadable'; readonly reason: string }
  | { readonly kind: 'plain'; readonly publicKey: string };

/** Facts about secrets, by name, and the time at which certificates are judged. */
export interface Material {
  readonly facts: ReadonlyMap<string, SecretFacts>;
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** Facts by service cluster, if they differ: a proxy's report counts for its own cluster only. */
  readonly byCluster?: ReadonlyMap<string, Material['facts']>;
  /** What jobs have read for the proxies, by service cluster and ID of the secret. */
  readonly read?: ReadonlyMap<string, ReadSecrets>;
}

/** The facts from the proxies of a service cluster. */
export function materialOf(serviceCluster: string | undefined, { facts, now, byCluster }: Material): Material {
  return { facts: byCluster === undefined ? facts : (byCluster.get(serviceCluster ?? '') ?? new Map()), now };
}

/** The last time at which a verdict changed: until the next one, verdicts are the same. */
export function judgementTime(facts: readonly Material['facts'][], now: number): number {
  const certificates = facts.flatMap((known) => [...known.values()]).flatMap((secret) => secret.certificates);
  const turns = certificates.flatMap(({ from, until }) => {
    const end = Date.parse(until);
    return [Date.parse(from), end - WARNING_MS, end + 1];
  });
  return Math.max(0, ...turns.filter((turn) => turn <= now));
}

/** Without facts there are no problems. */
export const unknownMaterial: Material = { facts: new Map(), now: 0 };

export interface Verdict {
  /** `error`: all handshakes fail or should fail. */
  readonly severity: 'error' | 'warning';
  /** The invalid one of certificate and key. */
  readonly part: 'certificate' | 'key';
  /** A sentence that names the secret. */
  readonly reason: string;
  readonly remedy: string;
}

const DAY_MS = 86_400_000;
const WARNING_MS = 30 * DAY_MS;
/** Keys with signature algorithms that TLS clients support. nginx loads others, but all handshakes fail. */
const USABLE_KEYS = ['', 'rsa', 'rsa-pss', 'prime256v1', 'secp384r1', 'secp521r1', 'ed25519', 'ed448'];

/** Whether proxies have found neither a certificate nor a key, nor users: it is not intended for them. */
export function isForeign(secret: string, { facts }: Material): boolean {
  const own = facts.get(secret);
  return own !== undefined && !isForProxies(own);
}

export function isForProxies({ isMaterial, users }: SecretFacts): boolean {
  return isMaterial || (users?.count ?? 0) > 0;
}

/** The facts about a secret that is not intended for the proxies: nothing about its content. */
export function foreignFacts(name: string): SecretFacts {
  return {
    name,
    certificates: [],
    isBroken: false,
    rejected: NO_START_LINE,
    rejectedAuthority: '',
    isMaterial: false,
    hidesBlocks: false,
    key: { kind: 'none' },
    users: { count: 0 },
    stapledWith: [],
  };
}

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

/** Whether proxies have found that nginx can staple the OCSP response for this certificate. */
export function isStapled(certificate: string, key: string, { facts }: Material): boolean {
  return facts.get(certificate)?.stapledWith.includes(key) ?? false;
}

/** Problems of one or more CAs. */
export function judgeAuthority(name: string, { facts, now }: Material): Verdict[] {
  const own = facts.get(name);
  if (own === undefined) return [];
  const error =
    judgeForeign(own, 'certificate') ?? judgeReadableAuthority(own) ?? judgeDates(name, own.certificates, now);
  return error ? [error] : judgeExpiry(name, own.certificates, now);
}

/** Hosts that the certificate does not cover. Expressions are skipped, because their names are unknown. */
export function uncoveredHosts(certificate: string, hosts: readonly Host[], { facts }: Material): Host[] {
  const [leaf] = facts.get(certificate)?.certificates ?? [];
  if (leaf === undefined || !leaf.hasAllNames) return [];
  return hosts.filter(({ kind, name }) => kind !== 'regex' && !covers(leaf, name));
}

/** `similar` is a secret whose name differs only in case. */
export function missingSecret(name: string, similar?: string): Verdict {
  const shown = shownValue(name);
  const remedy =
    similar === undefined ? `Create it: docker secret create ${shown} <file>.` : `Did you mean ${similar}?`;
  return refuse('certificate', `secret ${shown} does not exist`, remedy);
}

export function uncovered(certificate: string): Verdict {
  return refuse(
    'certificate',
    `the certificate in secret ${certificate} does not cover all hosts that use it`,
    'Use a certificate that covers them, or remove the hosts from the label.',
  );
}

/** `10.20.30.40`, `[2001:db8::1]` */
export function isAddress({ kind, name }: Host): boolean {
  return kind === 'exact' && /^\[|^[\d.]+$/.test(name);
}

/** A wildcard covers one level. Clients do not compare addresses with DNS names. */
function covers({ names, addresses }: Pick<CertificateFacts, 'names' | 'addresses'>, host: string): boolean {
  if (isAddress({ kind: 'exact', name: host })) return addresses.includes(host);
  return names.includes(host) || names.includes(host.replace(/^[^.]+/, '*'));
}

/** The same, with names and addresses in one list. */
export function coversHost(names: readonly string[], { kind, name }: Host): boolean {
  return kind !== 'regex' && covers({ names, addresses: names }, name);
}

const MOST_SHARED_NAMES = 1000;

/** Names and addresses of a certificate; undefined if they are unknown or too many. */
export function namesOf(certificate: string, { facts }: Material): readonly string[] | undefined {
  const [leaf] = facts.get(certificate)?.certificates ?? [];
  if (leaf === undefined || !leaf.hasAllNames) return undefined;
  const all = [...leaf.names, ...leaf.addresses];
  return all.length > MOST_SHARED_NAMES ? undefined : all;
}

const PEM_REMEDY = 'Store the certificates in PEM format, from BEGIN CERTIFICATE to END CERTIFICATE.';
const LINES_REMEDY = 'Put each BEGIN line and each END line on a line of its own, without other text.';
const NO_START_LINE = 'no start line';

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
  if (!matches.includes(true))
    return refuse(
      'key',
      `the private key in secret ${keyName} does not match the certificate in secret ${name}`,
      'Use the key of that certificate.',
    );
  return refuse(
    'certificate',
    `the leaf certificate is not the first one in secret ${name}`,
    'Put the leaf certificate first, then the certificates that signed it.',
  );
}

/** One valid certificate is enough: a list of CAs may contain old ones. */
function judgeDates(name: string, certificates: readonly CertificateFacts[], now: number): Verdict | undefined {
  const remedy = 'Create a secret with a valid certificate, and set the label to it.';
  const isValid = certificates.some(({ from, until }) => Date.parse(from) <= now && now <= Date.parse(until));
  if (isValid) return undefined;
  const { from, until } = lastOf(certificates);
  return Date.parse(until) < now
    ? refuse('certificate', `the certificate in secret ${name} expired on ${dayOf(until)}`, remedy)
    : refuse('certificate', `the certificate in secret ${name} is not valid before ${dayOf(from)}`, remedy);
}

function judgeExpiry(name: string, certificates: readonly CertificateFacts[], now: number): Verdict[] {
  const { until } = lastOf(certificates);
  if (Date.parse(until) - now > WARNING_MS) return [];
  const remedy = 'Create a secret with a new certificate, and set the label to it.';
  return [warn(`the certificate in secret ${name} expires on ${dayOf(until)}`, remedy)];
}

function dayOf(time: string): string {
  return time.slice(0, 10);
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

export function refuse(part: Verdict['part'], reason: string, remedy: string): Verdict {
  return { severity: 'error', part, reason, remedy };
}

function warn(reason: string, remedy: string): Verdict {
  return { severity: 'warning', part: 'certificate', reason, remedy };
}
