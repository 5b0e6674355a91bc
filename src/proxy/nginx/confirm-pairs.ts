import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MAIN_FILE } from '../../model/proxy-places.ts';
import type { KeyFacts, SecretFacts } from '../../model/secrets/secret-facts.ts';
import { mountedSecretsFolder } from '../../model/secrets/secret-files.ts';
import type { Check } from '../../nginx/check.ts';
import { findDirective } from '../../nginx-text/find-directive.ts';
import { type Complaint, parseComplaint } from '../../tls-material/complaint.ts';

/** Limits the keys that a certificate is tested with, its own secret first: many secrets may contain the same key. */
const MAX_KEYS = 4;

/** Where the secrets are, the ciphers that the configuration sets, and the pairs there that nginx has already accepted. */
interface Place {
  readonly folder: string;
  readonly ciphers: string;
  /** Extended by the pairs that nginx accepts. The content under a name never changes. */
  readonly accepted: Set<string>;
}

interface Pair {
  readonly certificate: string;
  readonly key: string;
}

interface Outcome extends Pair {
  readonly isAccepted: boolean;
  readonly complaint: Complaint | undefined;
}

/**
 * Confirms each certificate and key with nginx, whose OpenSSL may differ from Node's; `ciphers` may set the security level. Also fills in
 * `stapledWith`: nginx staples only certificates that it reads at startup, and an invalid one would keep it from starting.
 */
export async function confirmPairs(
  secrets: readonly SecretFacts[],
  check: Check,
  place: Partial<Place> = {},
): Promise<SecretFacts[]> {
  const where: Place = { folder: mountedSecretsFolder, ciphers: '', accepted: new Set(), ...place };
  const rejected = new Set(secrets.filter((own) => own.rejected !== '').map(({ name }) => name));
  const pairs = secrets.flatMap((own) => pairsOf(own, secrets));
  const likely = pairs.filter(({ certificate }) => !rejected.has(certificate));
  const unlikely = pairs.filter(({ certificate }) => rejected.has(certificate));
  const isUntested = (pair: Pair) => !where.accepted.has(nameOf(pair));
  const tested = await test(likely.filter(isUntested), check, where);
  // Tests these one by one: most of them are invalid, so a bisection would not save anything.
  for (const pair of unlikely.filter(isUntested)) tested.push(...(await test([pair], check, where)));
  for (const outcome of tested) if (outcome.isAccepted) where.accepted.add(nameOf(outcome));
  const results = new Map(tested.map((outcome) => [nameOf(outcome), outcome]));
  const outcomes = [...likely, ...unlikely].map((pair) => results.get(nameOf(pair)) ?? accept(pair));
  return secrets.map((own) => confirm(own, outcomes));
}

function nameOf({ certificate, key }: Pair): string {
  return `${certificate} ${key}`;
}

function accept(pair: Pair): Outcome {
  return { ...pair, isAccepted: true, complaint: undefined };
}

function pairsOf({ name, certificates: [leaf] }: SecretFacts, secrets: readonly SecretFacts[]): Pair[] {
  if (leaf === undefined) return [];
  const matching = secrets.filter(({ key }) => key.kind === 'plain' && key.publicKey === leaf.publicKey);
  return matching
    .map((key) => ({ certificate: name, key: key.name }))
    .toSorted((a, b) => Number(b.key === name) - Number(a.key === name))
    .slice(0, MAX_KEYS);
}

/** Usually all pairs pass in a single test. If nginx rejects them, each half is tested. */
async function test(pairs: readonly Pair[], check: Check, place: Place): Promise<Outcome[]> {
  if (pairs.length === 0) return [];
  const complaint = await check([{ path: MAIN_FILE, text: configurationOf(pairs, place) }]);
  if (complaint === undefined) return pairs.map(accept);
  if (pairs.length === 1) return [{ ...pairs[0]!, isAccepted: false, complaint: parseComplaint(complaint) }];
  const middle = Math.ceil(pairs.length / 2);
  const first = await test(pairs.slice(0, middle), check, place);
  return [...first, ...(await test(pairs.slice(middle), check, place))];
}

function confirm(own: SecretFacts, outcomes: readonly Outcome[]): SecretFacts {
  const asCertificate = outcomes.filter(({ certificate }) => certificate === own.name);
  const rejected = confirmCertificate(own, asCertificate);
  const accepted = asCertificate.filter(({ isAccepted }) => isAccepted).map(({ key }) => key);
  return {
    ...own,
    rejected,
    isBroken: rejected === own.rejected ? own.isBroken : rejected !== '',
    key: confirmKey(own, outcomes),
    stapledWith: canStaple(own) ? accepted : [],
  };
}

function confirmCertificate({ name, rejected }: SecretFacts, outcomes: readonly Outcome[]): string {
  if (outcomes.some(({ isAccepted }) => isAccepted)) return '';
  const complaint = outcomes
    .flatMap(({ complaint }) => complaint ?? [])
    .find((each) => isAbout(each, name, 'certificate'));
  return complaint?.reason ?? rejected;
}

function confirmKey({ name, key }: SecretFacts, outcomes: readonly Outcome[]): KeyFacts {
  const asKey = outcomes.filter((outcome) => outcome.key === name);
  if (asKey.some(({ isAccepted }) => isAccepted)) return key;
  const complaint = asKey.flatMap(({ complaint }) => complaint ?? []).find((each) => isAbout(each, name, 'key'));
  return complaint === undefined ? key : { kind: 'unreadable', reason: complaint.reason };
}

function isAbout(complaint: Complaint, secret: string, part: Complaint['part']): boolean {
  return complaint.secret === secret && complaint.part === part;
}

/** nginx takes the certificate's issuer, which its OCSP request names, from the chain. */
function canStaple({ certificates: [leaf, issuer] }: SecretFacts): boolean {
  return Boolean(leaf?.responder && issuer && leaf.isFollowedByIssuer);
}

function configurationOf(pairs: readonly Pair[], { folder, ciphers }: Place): string {
  const own = join(tmpdir(), 'pairs');
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((kind) => `${kind}_temp_path ${own};`);
  const servers = pairs.map(
    ({ certificate, key }, n) => `server { listen unix:${own}.sock ssl; server_name n${n};
ssl_certificate ${folder}/${certificate}; ssl_certificate_key ${folder}/${key}; }`,
  );
  const security = ciphers === '' ? [] : [`ssl_ciphers ${JSON.stringify(ciphers)};`];
  return `pid ${own}.pid; events {} http { ${[...temporary, ...security, ...servers].join('\n')} }`;
}

/** The ciphers that a configuration sets and, with `@SECLEVEL`, which certificates OpenSSL accepts; empty if it sets none. */
export function ciphersOf(configuration: string): string {
  return findDirective(configuration, 'ssl_ciphers')?.[0] ?? '';
}
