import { memoize } from '../../lib/memo.ts';
import type { Host } from '../hosts/host.ts';
import type { RoutedService } from '../parse-service.ts';
import { type Route, withHosts } from '../route.ts';
import type { Refusal } from './claim.ts';

export function without(service: RoutedService, refusals: readonly Refusal[] | undefined): RoutedService[] {
  return refusals === undefined ? [service] : rest(service)(new Set(refusals.map(({ claim }) => claim.host)));
}

/** The remaining part of a service. The same hosts return the same object, so that it counts as unchanged. */
const rest = memoize((service: RoutedService) =>
  rememberByHosts(service.route, (refused) => {
    const route = restOfRoute(service.route)(refused);
    return route.hosts.length === 0 && !route.isDefault ? [] : [{ ...service, route }];
  }),
);

/** A service that is parsed again may have the same route. */
const restOfRoute = memoize((route: Route) =>
  rememberByHosts(route, (refused): Route => {
    const hosts = route.hosts.filter((host) => !refused.has(host));
    return withHosts(route, hosts, route.isDefault && !refused.has(undefined));
  }),
);

function rememberByHosts<T>({ hosts }: Route, make: (refused: ReadonlySet<Host | undefined>) => T) {
  let last: { readonly key: string; readonly value: T } | undefined;
  return (refused: ReadonlySet<Host | undefined>): T => {
    const key = JSON.stringify([undefined, ...hosts].map((host) => refused.has(host)));
    if (last?.key !== key) last = { key, value: make(refused) };
    return last.value;
  };
}
