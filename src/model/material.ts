import type { Host } from './host.ts';

/** What a proxy finds in a secret: enough to judge it, and nothing that is secret. */
export interface SecretFacts {
  readonly name: string;
  /** In the order of the file, the first few. */
  readonly certificates: readonly CertificateFacts[];
  /** One of its certificates cannot be read, and so nginx reads none. */
  readonly isBroken: boolean;
  readonly key: KeyFacts;
  /** Secrets with its key; only where it names a responder of OCSP, its issuer is behind it, and nginx takes both as they are. */
  readonly stapledWith: readonly string[];
}

export interface CertificateFacts {
  /** DNS names that it covers. */
  readonly names: readonly string[];
  /** RFC 3339. */
  readonly from: string;
  readonly until: string;
  /** Digest of the public key, which its private key has as well. */
  readonly publicKey: string;
  /** Size of an RSA key; 0 of others. */
  readonly rsaBits: number;
  /** The certificate behind it has signed it, or there is none. */
  readonly isFollowedByIssuer: boolean;
  /** Clients are told to insist on OCSP stapling. */
  readonly wantsStapling: boolean;
  /** URL where OCSP is asked; '' where it names none over HTTP, or not in a way that is taken. */
  readonly responder: string;
}

export type KeyFacts =
  | { readonly kind: 'none' | 'encrypted' | 'unreadable' }
  | { readonly kind: 'plain'; readonly publicKey: string };

/** What is known of secrets, by name, and the time by which certificates are judged. */
export interface Material {
  readonly facts: ReadonlyMap<string, SecretFacts>;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

/** The last time at which a verdict changed: until the next one, it stands for all times. */
export function judgementTime(facts: ReadonlyMap<string, SecretFacts>, now: number): number {
  const certificates = [...facts.values()].flatMap((secret) => secret.certificates);
  const turns = certificates.flatMap(({ from, until }) => {
    const end = Date.parse(until);
    return [Date.parse(from), end - WARNING_MS, end + 1];
  });
  return Math.max(0, ...turns.filter((turn) => turn <= now));
}

/** Nothing is known: nothing is complained of. */
export const unknownMaterial: Material = { facts: new Map(), now: 0 };

export interface Verdict {
  /** `error`: no handshake would succeed, or none should. */
  readonly severity: 'error' | 'warning';
  /** Of certificate and key, the secret at fault. */
  readonly part: 'certificate' | 'key';
  readonly reason: string;
  readonly remedy: string;
}

const DAY_MS = 86_400_000;
const WARNING_MS = 30 * DAY_MS;
/** What OpenSSL takes at its default level of security. */
const LEAST_RSA_BITS = 2048;

/** What is wrong with a server's certificate and key; the first error hides the others. */
export function judgeServer(certificate: string, key: string, { facts, now }: Material): Verdict[] {
  const own = facts.get(certificate);
  const keyOwn = facts.get(key);
  const error =
    (own && (judgeReadable(own) ?? judgeStrength(own.certificates[0]!))) ??
    (keyOwn && judgeKey(keyOwn.key)) ??
    (own && keyOwn && judgePair(own, keyOwn.key)) ??
    (own && judgeDates(own.certificates.slice(0, 1), now));
  if (error) return [error];
  if (own === undefined) return [];
  return [...judgeChain(own), ...judgeStapling(own), ...judgeExpiry(own.certificates.slice(0, 1), now)];
}

/** Whether proxies have found that nginx can hand out, with this certificate, what its responder of OCSP says. */
export function isStapled(certificate: string, key: string, { facts }: Material): boolean {
  return facts.get(certificate)?.stapledWith.includes(key) ?? false;
}

/** What is wrong with a CA, or several of them. */
export function judgeAuthority(name: string, { facts, now }: Material): Verdict[] {
  const own = facts.get(name);
  if (own === undefined) return [];
  const error = judgeReadable(own) ?? judgeDates(own.certificates, now);
  return error ? [error] : judgeExpiry(own.certificates, now);
}

/** Hosts that the certificate is not for. What an expression stands for is not known. */
export function uncoveredHosts(certificate: string, hosts: readonly Host[], { facts }: Material): Host[] {
  const [own] = facts.get(certificate)?.certificates ?? [];
  return own === undefined ? [] : hosts.filter(({ kind, name }) => kind !== 'regex' && !covers(own.names, name));
}

function covers(names: readonly string[], host: string): boolean {
  return names.includes(host) || names.includes(host.replace(/^[^.]+/, '*'));
}

function judgeReadable({ certificates, isBroken }: SecretFacts): Verdict | undefined {
  const remedy = 'Put the certificates into it in PEM, from BEGIN CERTIFICATE to END CERTIFICATE.';
  if (isBroken) return refuse('certificate', 'holds a certificate that cannot be read', remedy);
  return certificates.length === 0 ? refuse('certificate', 'holds no certificate', remedy) : undefined;
}

function judgeStrength({ rsaBits }: CertificateFacts): Verdict | undefined {
  if (rsaBits === 0 || rsaBits >= LEAST_RSA_BITS) return undefined;
  const remedy = `Have one made with ${LEAST_RSA_BITS} bits or more, or of an elliptic curve.`;
  return refuse('certificate', `has a key of ${rsaBits} bits, which is too short`, remedy);
}

const KEY_REASONS = {
  none: ['holds no key', 'Put the key into it in PEM.'],
  encrypted: ['holds a key that is encrypted', 'Take the password off: openssl pkey -in <file> -out <file>.'],
  unreadable: ['holds a key that cannot be read', 'Put the key into it in PEM.'],
} as const;

function judgeKey(key: KeyFacts): Verdict | undefined {
  if (key.kind === 'plain') return undefined;
  const [reason, remedy] = KEY_REASONS[key.kind];
  return refuse('key', reason, remedy);
}

function judgePair({ certificates }: SecretFacts, key: KeyFacts): Verdict | undefined {
  const fits = certificates.map(({ publicKey }) => key.kind === 'plain' && publicKey === key.publicKey);
  if (fits[0]) return undefined;
  if (!fits.includes(true)) return refuse('key', 'does not fit the certificate', 'Name the key of that certificate.');
  return refuse(
    'certificate',
    'has another certificate before the own one',
    'Put the own certificate first, then those that signed it.',
  );
}

/** One that is in date is enough: of several CAs, old ones may be left. */
function judgeDates(certificates: readonly CertificateFacts[], now: number): Verdict | undefined {
  const remedy = 'Create a secret with a certificate that is in date, and name that one.';
  const inDate = certificates.some(({ from, until }) => Date.parse(from) <= now && now <= Date.parse(until));
  if (inDate) return undefined;
  const { from, until } = lastOf(certificates);
  return Date.parse(until) < now
    ? refuse('certificate', `is out of date since ${until}`, remedy)
    : refuse('certificate', `is not valid before ${from}`, remedy);
}

function judgeExpiry(certificates: readonly CertificateFacts[], now: number): Verdict[] {
  const { until } = lastOf(certificates);
  if (Date.parse(until) - now > WARNING_MS) return [];
  return [warn(`expires on ${until}`, 'Create a secret with a new certificate, and name that one.')];
}

function judgeChain({ certificates }: SecretFacts): Verdict[] {
  const isOrdered = certificates.every(({ isFollowedByIssuer }) => isFollowedByIssuer);
  const reason = 'has a chain in which a certificate is not followed by the one that signed it';
  return isOrdered ? [] : [warn(reason, 'Sort the certificates.')];
}

/** nginx asks for what it staples when it is first needed, and anew after each reload. */
function judgeStapling({ certificates: [own], stapledWith }: SecretFacts): Verdict[] {
  if (!own?.wantsStapling) return [];
  const reason =
    stapledWith.length > 0
      ? 'insists on OCSP stapling, which the first handshakes after a change go without'
      : 'insists on OCSP stapling, which is not done: it names no responder, or is not followed by its issuer';
  return [warn(reason, 'Have one made without "must staple".')];
}

function lastOf(certificates: readonly CertificateFacts[]): CertificateFacts {
  return certificates.toSorted((a, b) => Date.parse(a.until) - Date.parse(b.until)).at(-1)!;
}

function refuse(part: Verdict['part'], reason: string, remedy: string): Verdict {
  return { severity: 'error', part, reason, remedy };
}

function warn(reason: string, remedy: string): Verdict {
  return { severity: 'warning', part: 'certificate', reason, remedy };
}
