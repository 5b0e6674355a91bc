import type { Cluster } from './settings/clusters.ts';
import type { SwarmNode } from './snapshot.ts';

/**
 * Without IPv6 in a node's kernel, nginx could not start there. Nodes whose swarm uses IPv6 have it. The routing mesh has
 * IPv4 only.
 */
export function listensOnIpv6({ settings }: Cluster, nodes: ReadonlyMap<string, SwarmNode>): boolean {
  if (settings.IPv6 !== 'auto') return settings.IPv6 === 'true';
  const all = [...nodes.values()];
  return settings.PublishMode === 'host' && all.length > 0 && all.every(({ address }) => address?.includes(':'));
}

/** As in a URL. */
export function hostAndPort(address: string, port: number): string {
  return address.includes(':') && !address.startsWith('[') ? `[${address}]:${port}` : `${address}:${port}`;
}
