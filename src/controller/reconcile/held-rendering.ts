import type { ClusterState } from '../../model/cluster-state.ts';
import type { Snapshot } from '../../model/snapshot.ts';
import type { Rendering } from '../../model/version.ts';
import type { ClusterOptions } from './cluster-options.ts';
import { readConfig } from './read-config.ts';
import { toFile, versionConfigs } from './versions.ts';

/**
 * The version at which an administrator holds the cluster; undefined if none is held, or if the version no longer
 * exists.
 */
export async function heldRendering(
  { cluster: { name } }: ClusterState,
  { configs }: Snapshot,
  { swarm, held }: ClusterOptions,
  signal: AbortSignal,
): Promise<Rendering | undefined> {
  const version = held[name];
  const kept = version === undefined ? [] : versionConfigs(configs, name, version);
  if (version === undefined || kept.length === 0) return undefined;
  const files = await Promise.all(kept.map(async (config) => toFile(config, await readConfig(config, swarm, signal))));
  const notice = {
    severity: 'notice',
    cluster: name,
    reason: `Held at version ${version}: changes are waiting`,
    remedy: 'Release the cluster to publish the changes made since then.',
  } as const;
  return { version, files, problems: [notice] };
}
