import { memoize } from '../lib/memo.ts';
import type { ClusterFacts } from './features/feature.ts';
import type { Cluster, Settings } from './settings.ts';

/** What features may know of the clusters, by value of the service cluster label. The same object for the same settings. */
export const clusterFacts = memoize(
  ({ clusters, lists }: Settings): ReadonlyMap<string, ClusterFacts> =>
    new Map(
      clusters.map((cluster) => [cluster.settings.ServiceCluster, { hidesAddresses: hidesAddresses(cluster), lists }]),
    ),
);

/** The routing mesh replaces the clients' addresses with its own. */
export function hidesAddresses({ settings }: Cluster): boolean {
  const { PublishMode, ProxyProtocolFrom, TrustedProxies } = settings;
  return PublishMode !== 'host' && ProxyProtocolFrom.length === 0 && TrustedProxies.length === 0;
}
