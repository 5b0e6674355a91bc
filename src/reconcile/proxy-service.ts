import type { ClusterState } from '../model/desired-state.ts';
import { clusterLabel, versionLabel } from '../model/names.ts';
import { desiredProxy, type MountedObject } from '../model/owned-service.ts';
import type { OwnedService, Snapshot } from '../model/snapshot.ts';
import type { ClusterOptions } from './cluster-options.ts';
import type { Rendering } from './ports.ts';
import { type RolledOut, rollOutService } from './roll-out-service.ts';
import { prunable, toStored } from './versions.ts';

/** Brings a rendered version to the proxies of a cluster, unless a roll-out is under way or this one was refused before. */
export async function ensureProxy(
  state: ClusterState,
  snapshot: Snapshot,
  current: OwnedService | undefined,
  rendering: Rendering,
  options: ClusterOptions,
  signal: AbortSignal,
): Promise<RolledOut> {
  const { networkIds, cluster } = state;
  const secrets = state.secrets.map((secret) => ({ ...secret, target: secret.name }));
  const { version } = rendering;
  const configs = await ensureConfigs(state, snapshot, rendering, options, signal);
  const desired = desiredProxy(cluster, snapshot.nodes, { version, configs, secrets, networkIds });
  return rollOutService(desired, current, options, signal);
}

/** The main file comes last, so that whoever sees a version finds all of it. */
async function ensureConfigs(
  state: ClusterState,
  snapshot: Snapshot,
  rendering: Rendering,
  { swarm, logger }: ClusterOptions,
  signal: AbortSignal,
): Promise<MountedObject[]> {
  const { name: cluster, settings } = state.cluster;
  const { version } = rendering;
  const own = snapshot.configs.filter(({ labels }) => labels[clusterLabel] === cluster);
  const existing = new Map(own.map(({ name, id }) => [name, id]));
  const folder = settings.ProxyConfigPath.slice(0, settings.ProxyConfigPath.lastIndexOf('/'));
  const mounted: MountedObject[] = [];
  const [main, ...parts] = toStored(rendering, cluster);
  for (const { path, ...object } of [...parts, main!]) {
    const { name, data } = object;
    const id = existing.get(name) ?? (await swarm.createConfig(object, signal));
    if (!existing.has(name))
      logger.info({ cluster, config: name, version, sizeBytes: data.length }, 'Stored configuration');
    mounted.push({ id, name, target: path === main!.path ? settings.ProxyConfigPath : `${folder}/${path}` });
  }
  return [mounted.at(-1)!, ...mounted.slice(0, -1)];
}

/** Removes versions that nobody needs any more. */
export async function removeOldConfigs(
  state: ClusterState,
  snapshot: Snapshot,
  proxy: OwnedService | undefined,
  { version, files }: Rendering,
  { swarm, logger }: ClusterOptions,
  signal: AbortSignal,
): Promise<void> {
  const cluster = state.cluster.name;
  const own = snapshot.configs.filter(({ labels }) => labels[clusterLabel] === cluster);
  // Swarm lets a config go that only a roll-back needs.
  const attached = proxy === undefined ? [] : [...proxy.configIds, ...proxy.previousConfigIds];
  const versions = [version, proxy?.labels[versionLabel] ?? ''];
  const digests = files.map(({ digest }) => digest);
  for (const config of prunable(own, { versions, digests, attached })) {
    await swarm.removeConfig(config.id, signal);
    logger.info({ cluster, config: config.name }, 'Removed old configuration');
  }
}
