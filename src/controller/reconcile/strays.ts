import type { Logger } from '../../lib/logger.ts';
import type { ClusterState } from '../../model/cluster-state.ts';
import { clusterLabel } from '../../model/names.ts';
import type { Snapshot, StoredObject } from '../../model/snapshot.ts';
import type { Swarm } from './ports.ts';

/** Removes objects of all other clusters: services first, then the objects attached to them. */
export async function removeStrays(
  snapshot: Snapshot,
  clusters: readonly ClusterState[],
  { swarm, logger }: { readonly swarm: Swarm; readonly logger: Logger },
  signal: AbortSignal,
): Promise<void> {
  const known = new Set(clusters.map(({ cluster }) => cluster.name));
  const isStray = (cluster: string | undefined) => cluster !== undefined && !known.has(cluster);
  const stray = ({ labels }: StoredObject) => isStray(labels[clusterLabel]);
  for (const { id, name, cluster } of snapshot.owned.filter(({ cluster }) => isStray(cluster))) {
    await swarm.removeService(id, signal);
    logger.info({ service: name, cluster }, 'Removed service of a disabled or removed cluster');
  }
  for (const { id } of snapshot.configs.filter(stray)) await swarm.removeConfig(id, signal);
  for (const { id } of snapshot.secrets.filter(stray)) await swarm.removeSecret(id, signal);
}
