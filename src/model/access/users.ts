import type { Material } from '../secrets/material.ts';
import { refuse, type Verdict } from '../secrets/verdict.ts';

/** A proxy's facts about a secret as a list of users with lines `name:hash`: no names and no hashes. */
export interface UserFacts {
  /** Users whose hash nginx can check. */
  readonly count: number;
  /** The first line that is wrong. */
  readonly fault?: { readonly line: number; readonly kind: UserFault } | undefined;
}

export const userFaults = ['plain', 'scheme', 'malformed', 'costly', 'separator'] as const;
export type UserFault = (typeof userFaults)[number];

/** nginx computes the hash for each request, and its worker answers nothing else in that time. */
export const MOST_BCRYPT_COST = 10;
export const MOST_SHA_ROUNDS = 50_000;

const REASONS: Readonly<Record<UserFault, string>> = {
  plain: 'has a password without a hash',
  scheme: 'has a hash of an unsupported scheme',
  malformed: 'has an incomplete hash',
  costly: `has a hash that takes too long to check (bcrypt cost above ${MOST_BCRYPT_COST}, or more than ${MOST_SHA_ROUNDS} rounds)`,
  separator: 'is not of the form name:hash',
};
const REMEDY =
  'Create the lines with htpasswd -nB <name>, or openssl passwd -6. A secret cannot be changed: create another one.';

/** Problems of a list of users. Without facts there are none. */
export function judgeUsers(secret: string, { facts }: Pick<Material, 'facts'>): Verdict[] {
  const own = facts.get(secret);
  if (own?.users === undefined) return [];
  const { count, fault } = own.users;
  const detached = count === 0 && !own.isMaterial ? ', so the proxies no longer receive it' : '';
  if (fault)
    return [refuse('certificate', `line ${fault.line} of secret ${secret} ${REASONS[fault.kind]}${detached}`, REMEDY)];
  return count === 0 ? [refuse('certificate', `secret ${secret} contains no users${detached}`, REMEDY)] : [];
}
