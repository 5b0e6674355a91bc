import { DIGEST_LENGTH } from '../lib/digest.ts';
import { memoize } from '../lib/memo.ts';
import { createSorter } from '../lib/sorter.ts';
import { compareHosts } from './hosts/host.ts';
import { compareText, type Route } from './route.ts';
import { claim, type HostClaims } from './route-table/build-host.ts';
import { HostIndex } from './route-table/host-index.ts';
import { compareAge } from './route-table/locations.ts';
import type { RouteTable } from './route-table/table.ts';
import type { Upstream } from './upstream.ts';

/** By the readable part of the name. */
const compareNames = (a: Upstream, b: Upstream) =>
  compareText(a.name.slice(DIGEST_LENGTH), b.name.slice(DIGEST_LENGTH)) || compareText(a.name, b.name);

/** Returns the same table for the same list, and rebuilds only hosts whose routes have changed. */
export function createRouteTableBuilder(): (routes: readonly Route[]) => RouteTable {
  const hostIndex = new HostIndex();
  const sortHosts = createSorter((a: HostClaims, b: HostClaims) => compareHosts(a.server.host, b.server.host));
  const sortUpstreams = createSorter(compareNames);
  const sortPassthroughs = createSorter(compareNames);
  return memoize((routes) => {
    const hosts = sortHosts(hostIndex.update(routes));
    const defaults = routes.filter(({ isDefault }) => isDefault).toSorted(compareAge);
    const fallback = claim(defaults, '*');
    const all = [...hosts, fallback];
    return {
      upstreams: withoutRepeats(sortUpstreams(all.flatMap(({ upstreams }) => upstreams))),
      servers: hosts.map(({ server }) => server),
      fallback: fallback.locations,
      fallbackTls: fallback.tls,
      passthroughs: withoutRepeats(sortPassthroughs(all.flatMap(({ passthroughs }) => passthroughs))),
      problems: all.flatMap(({ problems }) => problems),
    };
  });
}

/** Upstreams with the same name are equal: several hosts use them. */
function withoutRepeats(sorted: readonly Upstream[]): Upstream[] {
  return sorted.filter(({ name }, position) => name !== sorted[position - 1]?.name);
}
