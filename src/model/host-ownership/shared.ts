import { listed } from '../../lib/words.ts';
import type { Problem } from '../problem.ts';
import { problemKind } from '../problem-kind.ts';
import { compareText } from '../route.ts';
import { type Claim, problemOf } from './claim.ts';

export const hostShared = problemKind({
  id: 'host-shared',
  severity: 'notice',
  meaning: `Several owners claim the same host, and HostsMode allows it. Requests are divided between their services.`,
  reason: (owners: string) => `${owners} claim the same hosts and share their requests`,
  remedy:
    'If this is not intended, choose another host. To restrict who may claim a host, use [Hosts] in the settings.',
  example: ['stack shop and stack blog'],
  at: 'com.docker.lb.hosts',
});

/** `HostsMode = "open"`: owners of the same host. Services without a stack may belong together. */
export function noticesOf(claims: ReadonlySet<Claim>): Problem[] {
  const owners = [...new Set([...claims].map(({ owner }) => owner))].toSorted(compareText);
  if (owners.length < 2 || [...claims].every(({ service }) => service.stack === '')) return [];
  const notice = hostShared(listed(owners, 'and', NAMED));
  return [...claims].map((claim) => problemOf(claim, notice));
}

const NAMED = 3;
