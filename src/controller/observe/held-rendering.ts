import { problemKind } from '../../model/problem-kind.ts';
import type { StoredObject } from '../../model/snapshot.ts';
import type { Rendering } from '../../model/version.ts';
import { toFile, versionConfigs } from '../plan/versions.ts';
import type { Swarm } from '../ports.ts';
import { readConfig } from './read-config.ts';

export const versionHeld = problemKind({
  id: 'version-held',
  severity: 'notice',
  meaning: `An administrator rolled the cluster back and holds it at a version. Changes of labels wait.`,
  reason: (version: string) => `Held at version ${version}: changes are waiting`,
  remedy: 'Release the cluster to publish the changes made since then.',
  example: ['71c2a0f1d1c0a4be'],
});

/** The version at which an administrator holds the cluster; undefined if it no longer exists. */
export async function readHeld(
  cluster: string,
  version: string,
  configs: readonly StoredObject[],
  swarm: Swarm,
): Promise<Rendering | undefined> {
  const stored = versionConfigs(configs, cluster, version);
  if (stored.length === 0) return undefined;
  const files = await Promise.all(stored.map(async (config) => toFile(config, await readConfig(config, swarm))));
  const notice = {
    ...versionHeld(version),
    cluster,
  };
  return { version, files, problems: [notice] };
}
