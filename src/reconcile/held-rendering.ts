import type { ClusterState } from '../model/desired-state.ts';
import { clusterLabel, fileLabel, versionLabel } from '../model/names.ts';
import { compareText } from '../model/route.ts';
import type { Snapshot, StoredObject } from '../model/snapshot.ts';
import type { ClusterOptions } from './cluster-options.ts';
import type { Rendering } from './ports.ts';

/** Config objects of a kept version, the main file first. */
export function versionConfigs(configs: readonly StoredObject[], cluster: string, version: string): StoredObject[] {
  return configs
    .filter(({ labels }) => labels[clusterLabel] === cluster && labels[versionLabel] === version)
    .toSorted((a, b) => compareText(a.name, b.name));
}

/** The version that an administrator holds the cluster at; undefined where none is held, or it is gone. */
export async function heldRendering(
  { cluster: { name } }: ClusterState,
  { configs }: Snapshot,
  { swarm, held }: ClusterOptions,
  signal: AbortSignal,
): Promise<Rendering | undefined> {
  const version = held[name];
  const kept = version === undefined ? [] : versionConfigs(configs, name, version);
  if (version === undefined || kept.length === 0) return undefined;
  const files = await Promise.all(
    kept.map(async ({ id, labels }) => ({ path: labels[fileLabel] ?? '', text: await swarm.readConfig(id, signal) })),
  );
  const notice = {
    severity: 'notice',
    cluster: name,
    reason: `Held at version ${version}: new changes wait`,
    remedy: 'Release the cluster; what has changed since goes live then.',
  } as const;
  return { version, files, problems: [notice] };
}
