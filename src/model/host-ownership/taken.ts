import { memoize, sameItems } from '../../lib/memo.ts';
import type { Problem } from '../problem.ts';
import { problemKind } from '../problem-kind.ts';
import { type Claim, nameOf, problemOf } from './claim.ts';
import { Holders } from './holders.ts';

export const hostWanted = problemKind({
  id: 'host-claimed-by-others',
  severity: 'notice',
  meaning: `Another owner claims a host of this service. The claim is ignored.`,
  reason: (claimant: string, holder: string) => `${claimant} also claims hosts of ${holder}; its claims are ignored`,
  remedy: 'Your routes are not affected. To share the hosts, list both owners in [Hosts] in the settings.',
  example: ['stack blog', 'stack shop'],
  at: 'com.docker.lb.hosts',
});

interface Taken {
  readonly claim: Claim;
  readonly holder: Claim;
}

/**
 * `HostsMode = "first"`: claims of names that an older claim of another owner can match too, the oldest first. Compared
 * again if hosts or owners have changed.
 */
export function createTakenByOthers(): (claims: readonly Claim[]) => Taken[] {
  let last: { readonly identities: readonly string[]; readonly taken: readonly Positions[] } | undefined;
  return (claims) => {
    const identities = claims.map(identityOfClaim);
    if (!last || !sameItems(last.identities, identities)) last = { identities, taken: findTaken(claims) };
    return last.taken.map(({ claim, holder }) => ({ claim: claims[claim]!, holder: claims[holder]! }));
  };
}

const identityOfClaim = memoize(({ owner, host }: Claim) => `${owner} ${host?.kind} ${host?.name}`);

interface Positions {
  readonly claim: number;
  readonly holder: number;
}

function findTaken(claims: readonly Claim[]): Positions[] {
  const holders = new Holders();
  const positions = new Map(claims.map((claim, position) => [claim, position]));
  return claims.flatMap((claim, position) => {
    const holder = holders.against(claim);
    if (holder !== undefined) return [{ claim: position, holder: positions.get(holder)! }];
    holders.add(claim);
    return [];
  });
}

export function belongsTo(holder: Claim, { owner }: Claim) {
  return {
    reason: `${holder.owner} claimed these hosts first, so the claims of ${owner} are ignored`,
    remedy: `Choose other hosts, or list ${nameOf(owner)} for them in [Hosts] in the settings.`,
  };
}

export function noticeOf({ claim, holder }: Taken): Problem {
  return problemOf(holder, hostWanted(claim.owner, holder.owner));
}
