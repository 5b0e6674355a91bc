import { memoizeLast } from '../lib/memo.ts';
import { createSorter } from '../lib/sorter.ts';
import { problemOf, type Refusal } from './host-ownership/claim.ts';
import { Claims } from './host-ownership/claims.ts';
import { namesOfManagers } from './host-ownership/managers.ts';
import { without } from './host-ownership/remaining.ts';
import type { HostRules } from './host-ownership/rules.ts';
import { noticesOf } from './host-ownership/shared.ts';
import { belongsTo, createTakenByOthers, noticeOf } from './host-ownership/taken.ts';
import type { Host } from './hosts/host.ts';
import type { RoutedService } from './parse-service.ts';
import type { Problem } from './problem.ts';
import { asGiven, problemKind } from './problem-kind.ts';
import { compareRoutes } from './route.ts';
import type { SwarmNode } from './snapshot.ts';

export const claimRejected = problemKind({
  id: 'host-claim-rejected',
  severity: 'error',
  meaning: `A service claims a host that belongs to another owner: a stack that claimed it first, a manager, or an owner in [Hosts] in the settings. The claim is ignored; other hosts of the service are served.`,
  ...asGiven,
  example: [
    'stack shop claimed these hosts first, so the claims of stack blog are ignored',
    'Choose other hosts, or list blog for them in [Hosts] in the settings.',
  ],
  at: 'com.docker.lb.hosts',
});

/** A rejected host of a route; the rest of the route is kept. */
export interface RejectedClaim {
  readonly service: string;
  readonly serviceCluster: string;
  /** Undefined for the default backend. */
  readonly host: Host | undefined;
  readonly path: string;
  readonly problem: Problem;
}

export interface Ownership {
  /** Without the rejected hosts; routes without any host are left out. The same objects if nothing is rejected. */
  readonly routed: readonly RoutedService[];
  readonly refused: readonly RejectedClaim[];
  /** For owners, about claims of other owners. */
  readonly notices: readonly Problem[];
}

export type DecideOwnership = (
  routed: readonly RoutedService[],
  rules: HostRules,
  nodes: readonly SwarmNode[],
) => Ownership;

/** Caches the decisions about unchanged services. */
export function createOwnership(): DecideOwnership {
  const sortByAge = createSorter((a: RoutedService, b: RoutedService) => compareRoutes(a.route, b.route));
  const takenByOthers = createTakenByOthers();
  const claimsUnder = memoizeLast((rules: HostRules, managers: string) => new Claims(rules, JSON.parse(managers)));
  return (routed, rules, nodes) => {
    const claims = claimsUnder(rules, namesOfManagers(nodes));
    claims.update(routed);
    const taken = rules.mode === 'first' ? takenByOthers(sortByAge(routed).flatMap(claims.free)) : [];
    const refusals = [
      ...claims.refusals,
      ...taken.map(({ claim, holder }) => ({ claim, ...belongsTo(holder, claim) })),
    ].toSorted(byAge);
    const byService = Map.groupBy(refusals, ({ claim }) => claim.service);
    return {
      routed: refusals.length === 0 ? routed : routed.flatMap((service) => without(service, byService.get(service))),
      refused: refusals.map(toRejectedClaim),
      notices: [...taken.map(noticeOf), ...claims.shared.flatMap(noticesOf)],
    };
  };
}

function byAge({ claim: a }: Refusal, { claim: b }: Refusal): number {
  return compareRoutes(a.service.route, b.service.route);
}

function toRejectedClaim({ claim, reason, remedy }: Refusal): RejectedClaim {
  const { service, host } = claim;
  const { route, serviceCluster } = service;
  const problem = problemOf(claim, claimRejected(reason, remedy));
  return { service: route.service.name, serviceCluster, host, path: route.path, problem };
}
