import type { ClusterState } from '../model/desired-state.ts';
import { clusterLabel, configPrefix, fileLabel, roleLabel, versionLabel } from '../model/names.ts';
import { desiredProxy, type MountedObject } from '../model/owned-service.ts';
import type { OwnedService, Snapshot } from '../model/snapshot.ts';
import type { ClusterOptions } from './cluster-options.ts';
import type { Rendering } from './ports.ts';
import { prunable } from './prune.ts';
import { type RolledOut, rollOutService } from './roll-out-service.ts';

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

async function ensureConfigs(
  state: ClusterState,
  snapshot: Snapshot,
  { version, files }: Rendering,
  { swarm, logger }: ClusterOptions,
  signal: AbortSignal,
): Promise<MountedObject[]> {
  const { name: cluster, settings } = state.cluster;
  const folder = settings.ProxyConfigPath.slice(0, settings.ProxyConfigPath.lastIndexOf('/'));
  const mounted: MountedObject[] = [];
  for (const [position, { path, text }] of files.entries()) {
    const name = `${configPrefix}${version}${position === 0 ? '' : `-${position}`}`;
    const target = position === 0 ? settings.ProxyConfigPath : `${folder}/${path}`;
    const existing = snapshot.configs.find((config) => config.name === name);
    const labels = { [roleLabel]: 'proxy', [clusterLabel]: cluster, [versionLabel]: version, [fileLabel]: path };
    const id = existing?.id ?? (await swarm.createConfig({ name, labels, data: text }, signal));
    if (!existing) logger.info({ cluster, config: name, version, sizeBytes: text.length }, 'Stored configuration');
    mounted.push({ id, name, target });
  }
  return mounted;
}

/** Removes versions that nobody needs any more. */
export async function removeOldConfigs(
  state: ClusterState,
  snapshot: Snapshot,
  proxy: OwnedService | undefined,
  version: string,
  { swarm, logger }: ClusterOptions,
  signal: AbortSignal,
): Promise<void> {
  const cluster = state.cluster.name;
  const own = snapshot.configs.filter(({ labels }) => labels[clusterLabel] === cluster);
  // Swarm lets a config go that only a roll-back needs.
  const attached = proxy === undefined ? [] : [...proxy.configIds, ...proxy.previousConfigIds];
  for (const config of prunable(own, [version, proxy?.labels[versionLabel] ?? ''], attached)) {
    await swarm.removeConfig(config.id, signal);
    logger.info({ cluster, config: config.name }, 'Removed old configuration');
  }
}
