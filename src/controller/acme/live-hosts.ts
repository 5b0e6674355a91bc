import { isInternal } from '../../model/acme/internal.ts';
import type { Route } from '../../model/route.ts';
import type { Status } from '../reconcile/status.ts';

/**
 * Hosts that proxies have served at least once with the current account key: a CA then finds the answer to a challenge
 * on every proxy. Later versions keep it, so that a roll-out delays no orders.
 */
export class LiveHosts {
  readonly #seen = new Set<string>();

  /** The routes whose certificates can be ordered. */
  read({ desired, outcomes }: Pick<Status, 'desired' | 'outcomes'>): Route[] {
    return desired.clusters.flatMap(({ cluster, routes }) => {
      const outcome = outcomes.find(({ name }) => name === cluster.name);
      if (outcome === undefined) return [];
      const isLive = outcome.version !== undefined && outcome.version === outcome.served && !outcome.rolling;
      return routes.flatMap((route) => this.#select(route, cluster.name, isLive));
    });
  }

  #select(route: Route, cluster: string, isLive: boolean): Route[] {
    if (route.acme === undefined) return [];
    if (isInternal({ name: route.acme.issuer })) return [route];
    const { issuer, thumbprint } = route.acme;
    const keyOf = (host: string) => [cluster, host, issuer, thumbprint].join(' ');
    if (isLive) for (const { name } of route.hosts) this.#seen.add(keyOf(name));
    const hosts = route.hosts.filter(({ name }) => this.#seen.has(keyOf(name)));
    return hosts.length === 0 ? [] : [{ ...route, hosts }];
  }
}
