import { memoize } from '../../lib/memo.ts';
import type { RoutedService } from '../parse-service.ts';
import type { Route } from '../route.ts';

/** Reached without its DNS name: at its virtual address. Closed if it has none. */
export const withoutName = memoize((routed: RoutedService): RoutedService => {
  const { route, virtualAddress } = routed;
  if (route.backend.kind !== 'peers') return routed;
  if (virtualAddress === undefined)
    return { ...routed, networkId: undefined, joinedNetworkId: undefined, route: closeRoute(route) };
  const peers = route.backend.peers.map(({ exactCase: _, ...peer }) => ({
    ...peer,
    address: virtualAddress,
    resolve: false,
    virtual: true as const,
  }));
  return { ...routed, peerCount: 1, route: { ...route, backend: { kind: 'peers', peers } } };
});

function closeRoute(route: Route): Route {
  return { ...route, backend: { kind: 'unavailable' } };
}
