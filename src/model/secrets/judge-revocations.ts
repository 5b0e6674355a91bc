import { problemKind } from '../problem-kind.ts';
import type { Material } from './material.ts';
import type { RevocationFacts } from './secret-facts.ts';
import { dayOf, refuse, type Verdict } from './verdict.ts';

export const crlExpired = problemKind({
  id: 'crl-expired',
  severity: 'error',
  meaning: `A certificate revocation list has expired, or is not valid yet. It no longer says which client certificates are revoked, so its hosts are closed.`,
  reason: (secret: string, what: string) => `the revocation list in secret ${secret} ${what}`,
  remedy: 'Create a secret with a current list, and set the label to it.',
  example: ['clients-crl', 'expired on 2026-05-01'],
  at: 'com.docker.lb.ssl_client_crl',
});

export const crlExpires = problemKind({
  id: 'crl-expires',
  severity: 'warning',
  meaning: `A certificate revocation list expires within 7 days, or has less than a quarter of its life left. Its hosts are closed then.`,
  reason: (secret: string, day: string) => `the revocation list in secret ${secret} expires on ${day}`,
  remedy: 'Create a secret with a current list, and set the label to it.',
  example: ['clients-crl', '2026-05-01'],
  at: 'com.docker.lb.ssl_client_crl',
});

const WEEK_MS = 7 * 86_400_000;
const PEM_REMEDY = 'Store the lists in PEM format, from BEGIN X509 CRL to END X509 CRL, and nothing else.';

/** Problems of a secret with certificate revocation lists. */
export function judgeRevocations(name: string, { facts, now }: Material): Verdict[] {
  const own = facts.get(name);
  if (own === undefined) return [];
  const { revocations: lists, certificates, rejectedAuthority } = own;
  const wrong = (reason: string) => [refuse('certificate', `secret ${name} ${reason}`, PEM_REMEDY)];
  if (lists === undefined) return wrong('contains no certificate revocation list');
  if (lists.isBroken) return wrong('contains a revocation list that cannot be read');
  // nginx would trust them as CAs.
  if (certificates.length > 0 || own.isBroken) return wrong('contains certificates beside the revocation list');
  if (rejectedAuthority !== '')
    return wrong(`contains a revocation list that is rejected: OpenSSL reports "${rejectedAuthority}"`);
  return judgeDates(name, lists, now);
}

function judgeDates(name: string, lists: RevocationFacts, now: number): Verdict[] {
  const { from = '', until = '' } = lists;
  const times = timesOf(lists);
  if (times.until < now) return [{ ...crlExpired(name, `expired on ${dayOf(until)}`), part: 'certificate' }];
  if (times.from > now) return [{ ...crlExpired(name, `is not valid before ${dayOf(from)}`), part: 'certificate' }];
  if (now < warningAt(lists)) return [];
  return [{ ...crlExpires(name, dayOf(until)), part: 'certificate' }];
}

function timesOf({ from, until }: RevocationFacts): { readonly from: number; readonly until: number } {
  return { from: from === undefined ? 0 : Date.parse(from), until: until === undefined ? Infinity : Date.parse(until) };
}

/** Lists that live a few days are replaced daily. */
function warningAt(lists: RevocationFacts): number {
  const { from, until } = timesOf(lists);
  return until === Infinity ? Infinity : until - Math.min(WEEK_MS, (until - from) / 4);
}

/** The times at which verdicts about these lists change. */
export function revocationTurns(lists: RevocationFacts | undefined): readonly number[] {
  if (lists === undefined) return [];
  const { from, until } = timesOf(lists);
  return [from, warningAt(lists), until + 1];
}
