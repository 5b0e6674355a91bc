import { upstreamOptions } from '../features/features.ts';
import type { Route, RouteOptions } from '../route.ts';
import { toUpstream, type Upstream } from '../upstream.ts';

/** Locations with the same peers share one upstream and its kept connections. */
export function addUpstream(
  owners: readonly Route[],
  { affinity, protocol, backendCa, backendName, ...others }: RouteOptions,
  upstreams: Map<string, Upstream>,
): string | undefined {
  const peers = owners.flatMap(({ backend }) => (backend.kind === 'peers' ? backend.peers : []));
  const verification = backendCa || backendName ? [backendCa, backendName] : [];
  const connection = [...(protocol === 'http' ? [] : [protocol]), ...verification];
  const upstream = toUpstream(peers, affinity, connection, upstreamOptions(others));
  if (upstream) upstreams.set(upstream.name, upstream);
  return upstream?.name;
}
