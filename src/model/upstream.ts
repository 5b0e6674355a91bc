import { digest } from '../lib/digest.ts';
import type { Affinity } from './features/affinity.ts';
import type { UpstreamOptions } from './features/features.ts';
import { compareText, type Peer } from './route.ts';

export interface Upstream {
  readonly name: string;
  readonly peers: readonly Peer[];
  readonly affinity: Affinity;
  readonly options: UpstreamOptions;
}

/**
 * The upstream of these tasks. Locations with the same tasks share one, with its kept connections. A kept connection can
 * be shared only with the same protocol and certificate verification, which `connection` describes.
 */
export function toUpstream(
  all: readonly Peer[],
  affinity: Affinity,
  connection: readonly string[] = [],
  options: UpstreamOptions = {},
): Upstream | undefined {
  const peers = new Map(all.map((peer) => [`${peer.address}:${peer.port}`, peer]));
  const [first] = peers.values();
  if (!first) return undefined;
  const readable = `${first.address}-${first.port}`.replaceAll(/[^A-Za-z0-9._-]/g, '-').slice(0, 80);
  const sorted = [...peers.values()].toSorted((a, b) => compareText(a.address, b.address) || a.port - b.port);
  const identity = [sorted, affinity, ...connection, ...(Object.keys(options).length === 0 ? [] : [options])];
  // nginx compares each name with all others of the same length: different beginnings make large configurations load several times faster.
  return { name: `${digest(JSON.stringify(identity))}-${readable}`, peers: sorted, affinity, options };
}
