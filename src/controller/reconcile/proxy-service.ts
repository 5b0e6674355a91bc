import type { ClusterState } from '../../model/cluster-state.ts';
import {
  clusterLabel,
  controlNetwork,
  fileLabel,
  metricsTokenPath,
  proxySecretTarget,
  versionLabel,
} from '../../model/names.ts';
import { desiredProxy, type MountedObject, type ProxyAttachments } from '../../model/owned-service.ts';
import type { OwnedService, Snapshot, StoredObject } from '../../model/snapshot.ts';
import type { Rendering } from '../../model/version.ts';
import { encodePermissions, type Permissions } from '../../nginx-text/permissions.ts';
import { type CurrentProxy, changeInPlace, offerQuietly } from './change-in-place.ts';
import type { ClusterOptions } from './cluster-options.ts';
import { differs } from './ensure-service.ts';
import { ensureIdentity } from './identity-secret.ts';
import { type RolledOut, rollOutService } from './roll-out-service.ts';
import { prunable, toStored, versionConfigs } from './versions.ts';

/** The state of a cluster's proxies before a version is rendered. */
export interface ProxyPlan {
  readonly current: CurrentProxy | undefined;
  readonly attached: Omit<ProxyAttachments, 'version' | 'configs'>;
  /** The version that the tasks were started for, if they have everything that must be attached now: they then receive new versions in place. */
  readonly boot: string | undefined;
}

/** The attachments depend only on labels, settings and the administrator's template. */
export async function planProxy(
  state: ClusterState,
  snapshot: Snapshot,
  current: CurrentProxy | undefined,
  permissions: Permissions,
  options: ClusterOptions,
  signal: AbortSignal,
): Promise<ProxyPlan> {
  const { cluster } = state;
  const attached = { ...(await attachments(state, snapshot, options, signal)), ...allowedText(permissions) };
  if (!current || !cluster.settings.HitlessServiceUpdate) return { current, attached, boot: undefined };
  const [version, configs] = bootOf(state, snapshot, current);
  const booted = desiredProxy(cluster, snapshot.nodes, { version, configs, ...attached });
  return { current, attached, boot: differs(current.service, booted) ? undefined : version };
}

/**
 * Brings a rendered version to the proxies of a cluster: in place if the replicas have everything that it requires, otherwise by a roll-out, unless
 * one is in progress or this version was rejected before.
 */
export async function ensureProxy(
  state: ClusterState,
  snapshot: Snapshot,
  { current, attached, boot }: ProxyPlan,
  rendering: Rendering,
  options: ClusterOptions,
  signal: AbortSignal,
): Promise<RolledOut> {
  const { cluster } = state;
  const { version } = rendering;
  const inPlace = current && boot && (await changeInPlace(state, current, boot, rendering, options, signal));
  // Runs while replicas load the version. If storing fails, the next pass tries again.
  const configs = await ensureConfigs(state, snapshot, rendering, options, signal);
  if (inPlace) return inPlace;
  // New replicas then need not wait for an offer.
  if (current && cluster.settings.HitlessServiceUpdate) await offerQuietly(state, version, rendering, options, signal);
  const desired = desiredProxy(cluster, snapshot.nodes, { version, configs, ...attached });
  return rollOutService(desired, current?.service, options, signal);
}

/** Only new tasks receive changed permissions, so a change replaces the tasks. */
function allowedText(permissions: Permissions) {
  return permissions.length === 0 ? {} : { allowedText: encodePermissions(permissions) };
}

/** The version that the service's tasks were started for. */
function bootOf({ cluster }: ClusterState, { configs }: Snapshot, { service }: CurrentProxy) {
  const boot = service.labels[versionLabel] ?? '';
  const kept = versionConfigs(configs, cluster.name, boot);
  return [boot, kept.map((config, position) => toMounted(config, position, cluster.settings))] as const;
}

async function attachments(
  { cluster, networkIds, secrets, metricsSecret }: ClusterState,
  snapshot: Snapshot,
  options: ClusterOptions,
  signal: AbortSignal,
): Promise<Omit<ProxyAttachments, 'version' | 'configs'>> {
  const material = secrets.map((secret) => ({ ...secret, target: secret.name }));
  if (!cluster.settings.HitlessServiceUpdate) return { networkIds, secrets: material };
  const identity = await ensureIdentity('proxy', cluster.name, snapshot, options, signal);
  const token = metricsSecret ? [{ ...metricsSecret, target: metricsTokenPath }] : [];
  const control = snapshot.networks.find(({ name }) => name === controlNetwork);
  const extension = snapshot.owned.find(
    ({ role, name }) => role === 'extension' && name === cluster.settings.ServiceName,
  );
  return {
    extensionAddress: extension?.virtualAddresses?.[control?.id ?? ''],
    networkIds: control ? [...networkIds, control.id] : networkIds,
    secrets: [...material, ...token, { ...identity, target: proxySecretTarget }],
  };
}

/** The main file is stored last, so that a version is never visible without all of its files. */
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
  const mounted: MountedObject[] = [];
  const [main, ...parts] = toStored(rendering, cluster);
  for (const { path, ...object } of [...parts, main!]) {
    const { name, data } = object;
    const id = existing.get(name) ?? (await swarm.createConfig(object, signal));
    if (!existing.has(name))
      logger.info({ cluster, config: name, version, sizeBytes: data.length }, 'Stored configuration');
    mounted.push({ id, name, target: targetOf(path, path === main!.path, settings) });
  }
  return [mounted.at(-1)!, ...mounted.slice(0, -1)];
}

type ExtensionSettings = ClusterState['cluster']['settings'];

function toMounted({ id, name, labels }: StoredObject, position: number, settings: ExtensionSettings): MountedObject {
  return { id, name, target: targetOf(labels[fileLabel] ?? '', position === 0, settings) };
}

/** Parts are mounted next to the main file, which includes them by name. */
function targetOf(path: string, isMain: boolean, { ProxyConfigPath }: ExtensionSettings): string {
  return isMain ? ProxyConfigPath : `${ProxyConfigPath.slice(0, ProxyConfigPath.lastIndexOf('/'))}/${path}`;
}

/** Removes unused versions: neither in use nor attached to the service. */
export async function removeOldConfigs(
  state: ClusterState,
  snapshot: Snapshot,
  proxy: OwnedService | undefined,
  { version, files }: Rendering,
  inUse: readonly string[],
  { swarm, logger }: ClusterOptions,
  signal: AbortSignal,
): Promise<void> {
  const cluster = state.cluster.name;
  const own = snapshot.configs.filter(({ labels }) => labels[clusterLabel] === cluster);
  // Swarm would allow the removal of a config that only a roll-back requires.
  const attached = proxy === undefined ? [] : [...proxy.configIds, ...proxy.previousConfigIds];
  const versions = [version, ...inUse, proxy?.labels[versionLabel] ?? ''];
  const digests = files.map(({ digest }) => digest);
  for (const config of prunable(own, { versions, digests, attached })) {
    await swarm.removeConfig(config.id, signal);
    logger.info({ cluster, config: config.name }, 'Removed old configuration');
  }
}
