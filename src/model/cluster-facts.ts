import { memoize } from '../lib/memo.ts';
import type { ClusterFacts } from './features/feature.ts';
import type { Cluster } from './settings/clusters.ts';
import type { Settings } from './settings/settings.ts';
import type { OfferedPorts } from './streams/offered-ports.ts';

/** What features may know of the clusters, by value of the service cluster label. The same object for the same settings. */
export const clusterFacts = memoize(
  ({ clusters, lists, policies }: Settings): ReadonlyMap<string, ClusterFacts> =>
    new Map(
      clusters.map((cluster) => {
        const { name, settings, defaults, enforced } = cluster;
        const template = settings.DefaultHost;
        const defaultHost = template === '' ? undefined : { key: `Extensions.${name}.DefaultHost`, template };
        const observed = {
          hidesAddresses: hidesAddresses(cluster),
          acceptsUnderscores: cluster.nginx.UnderscoresInHeaders,
          acme: settings.Acme.toLowerCase(),
          tlsProtocols: [...new Set(cluster.nginx.SSLProtocols.split(' '))],
          givesCertificates: settings.Certificates.length > 0,
          streams: offeredPorts(cluster),
        };
        const facts = { ...observed, lists, policies, defaults, enforced, defaultHost };
        return [settings.ServiceCluster, facts];
      }),
    ),
);

function offeredPorts({ settings }: Cluster): OfferedPorts {
  const { PublishMode, ProxyProtocolFrom, TcpPorts, UdpPorts } = settings;
  const isHidden = PublishMode !== 'host';
  return { tcp: TcpPorts, udp: UdpPorts, hidesTcp: isHidden && ProxyProtocolFrom.length === 0, hidesUdp: isHidden };
}

/** The routing mesh replaces the clients' addresses with its own. */
export function hidesAddresses({ settings }: Cluster): boolean {
  const { PublishMode, ProxyProtocolFrom, TrustedProxies } = settings;
  return PublishMode !== 'host' && ProxyProtocolFrom.length === 0 && TrustedProxies.length === 0;
}
