import { changesBetween } from '../../lib/sorter.ts';
import type { Host } from '../hosts/host.ts';
import { compareRoutes, type Route } from '../route.ts';
import { buildHost, type HostClaims } from './build-host.ts';

interface Claimed {
  readonly host: Host;
  readonly owners: Set<Route>;
  claims: HostClaims | undefined;
}

/** The claims of each host, updated incrementally from one list of routes to the next. */
export class HostIndex {
  #routes: readonly Route[] = [];
  readonly #claimed = {
    exact: new Map<string, Claimed>(),
    wildcard: new Map<string, Claimed>(),
    regex: new Map<string, Claimed>(),
  };

  update(routes: readonly Route[]): HostClaims[] {
    const { removed, added } = changesBetween(this.#routes, routes);
    this.#routes = routes;
    for (const route of removed) for (const host of route.hosts) this.#release(host, route);
    for (const route of added) for (const host of route.hosts) this.#claim(host, route);
    return Object.values(this.#claimed).flatMap((claimed) => [...claimed.values()].map(claimsOf));
  }

  #release({ kind, name }: Host, route: Route): void {
    const claimed = this.#claimed[kind].get(name);
    claimed?.owners.delete(route);
    if (claimed?.owners.size === 0) this.#claimed[kind].delete(name);
    else if (claimed) claimed.claims = undefined;
  }

  #claim(host: Host, route: Route): void {
    const claimed = this.#claimed[host.kind].get(host.name) ?? { host, owners: new Set(), claims: undefined };
    claimed.owners.add(route);
    claimed.claims = undefined;
    this.#claimed[host.kind].set(host.name, claimed);
  }
}

function claimsOf(claimed: Claimed): HostClaims {
  claimed.claims ??= buildHost(claimed.host, [...claimed.owners].toSorted(compareRoutes));
  return claimed.claims;
}
