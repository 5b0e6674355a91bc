import { locationFacts } from '../../model/features/features.ts';
import { needsNameRelay } from '../../model/route.ts';
import type { Location, RouteTable } from '../../model/route-table/table.ts';
import type { StreamTable } from '../../model/streams/stream-table.ts';
import type { Upstream } from '../../model/upstream.ts';

export function locationsOf({ servers, fallback }: RouteTable): readonly Location[] {
  return [...servers.flatMap(({ locations }) => locations), ...fallback];
}

export function hasExpressions({ servers }: RouteTable): boolean {
  return servers.some(({ host }) => host.kind === 'regex');
}

export function hasPassthrough({ passthroughs }: RouteTable): boolean {
  return passthroughs.length > 0;
}

export function relayedUpstreams({ upstreams, passthroughs }: RouteTable, streams: StreamTable): readonly Upstream[] {
  return [...upstreams, ...passthroughs, ...streams.upstreams].filter(({ peers }) => needsNameRelay(peers));
}

export function factsOf(location: Pick<Location, 'services' | 'path' | 'match'>) {
  return locationFacts(location.services[0]!, location);
}
