import { memoizeLast } from '../lib/memo.ts';
import type { RoutedService } from './parse-service.ts';
import type { OwnedService } from './snapshot.ts';

/**
 * Networks that the proxies join for services. Joining or leaving one replaces all proxies and closes WebSockets of other services, so a closed route
 * does neither: a mistake in a label, or a certificate that is not there yet, only keeps the network that the proxies have.
 */
export function networksOf(services: readonly RoutedService[], attached: ReadonlySet<string>): string[] {
  return services.flatMap(({ joinedNetworkId: id, isClosed }) =>
    id === undefined || (isClosed && !attached.has(id)) ? [] : id,
  );
}

/** The networks of the proxies of each cluster, at present. */
export type AttachedNetworks = (owned: readonly OwnedService[]) => ReadonlyMap<string, ReadonlySet<string>>;

/** Returns the same object while they are unchanged. */
export function createAttachedNetworks(): AttachedNetworks {
  const parse = memoizeLast((text: string) => {
    const entries = JSON.parse(text) as [string, string[]][];
    return new Map(entries.map(([cluster, ids]) => [cluster, new Set(ids)]));
  });
  return (owned) => {
    const proxies = owned.filter(({ role }) => role === 'proxy');
    return parse(JSON.stringify(proxies.map(({ cluster, networkIds }) => [cluster, networkIds])));
  };
}
