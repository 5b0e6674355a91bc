import type { ClusterState } from '../../model/cluster-state.ts';
import { clusterLabel, fileLabel, metricsTokenPath, proxySecretTarget, versionLabel } from '../../model/names.ts';
import { desiredProxy, type MountedObject, type ProxyAttachments } from '../../model/own-services/owned-service.ts';
import { servesOpenMetrics } from '../../model/secrets/cluster-secrets.ts';
import { isEncryptedSecretConfig } from '../../model/secrets/encrypted-secrets.ts';
import type { StoredObject } from '../../model/snapshot.ts';
import type { Rendering } from '../../model/version.ts';
import { encodePermissions, type Permissions } from '../../nginx-text/permissions.ts';
import { type Action, type CreateConfig, PENDING_ID } from './actions.ts';
import { mountedIdentity } from './identities.ts';
import type { Observed } from './observed.ts';
import { differs } from './roll-out-service.ts';
import { prunable, toStored, versionConfigs } from './versions.ts';

/** What must be attached to the tasks, whatever version they serve: depends only on labels, settings and the administrator's template. */
export type Attached = Omit<ProxyAttachments, 'version' | 'configs'>;

export function attachedTo(
  { cluster, networkIds, secrets, metricsSecret }: ClusterState,
  observed: Observed,
  permissions: Permissions,
): Attached {
  const material = secrets.map((secret) => ({ ...secret, target: secret.name }));
  const allowed = allowedText(permissions);
  if (!cluster.settings.HitlessServiceUpdate) return { networkIds, secrets: material, ...allowed };
  const { snapshot, controlNetworkId } = observed;
  const token = metricsSecret ? [{ ...metricsSecret, target: metricsTokenPath }] : [];
  const extension = snapshot.owned.find(
    ({ role, name }) => role === 'extension' && name === cluster.settings.ServiceName,
  );
  const control = snapshot.networks.find(({ id }) => id === controlNetworkId);
  const identity = { ...mountedIdentity('proxy', observed), target: proxySecretTarget };
  return {
    extensionAddress: extension?.virtualAddresses?.[controlNetworkId],
    networkIds: [...networkIds, controlNetworkId],
    secrets: [...(cluster.deliversInPlace ? [] : material), ...token, identity],
    ...(servesOpenMetrics(cluster.settings) ? { metricsSubnets: control?.subnets ?? [] } : {}),
    ...allowed,
  };
}

/** Only new tasks receive changed permissions, so a change replaces the tasks. */
function allowedText(permissions: Permissions) {
  return permissions.length === 0 ? {} : { allowedText: encodePermissions(permissions) };
}

/** The version that the tasks were started for, if they have everything that must be attached now: they then receive new versions in place. */
export function bootOf(
  { cluster }: ClusterState,
  { proxy, snapshot }: Observed,
  attached: Attached,
): string | undefined {
  if (!proxy || !cluster.settings.HitlessServiceUpdate) return undefined;
  const version = proxy.service.labels[versionLabel] ?? '';
  const configs = versionConfigs(snapshot.configs, cluster.name, version).map(({ id, name, labels }, position) => ({
    ...{ id, name },
    target: targetOf(labels[fileLabel] ?? '', position === 0, cluster.settings),
  }));
  const started = desiredProxy(cluster, snapshot.nodes, { version, configs, ...attached });
  return differs(proxy.service, started) ? undefined : version;
}

/** The Docker configs of a version: those to create, and all of them as they are mounted, the main file first. */
export interface VersionConfigs {
  readonly actions: readonly CreateConfig[];
  readonly mounted: readonly MountedObject[];
}

/** The main file is stored last, so that a version is never visible without all of its files. */
export function planConfigs({ cluster }: ClusterState, { snapshot }: Observed, rendering: Rendering): VersionConfigs {
  const { name, settings } = cluster;
  const { version } = rendering;
  const existing = new Map(configsOf(name, snapshot.configs).map((config) => [config.name, config.id]));
  const files = toStored(rendering, name);
  const [main, ...parts] = files;
  return {
    actions: [...parts, main!]
      .filter((config) => !existing.has(config.name))
      .map(({ path: _, ...config }) => ({ kind: 'create-config', cluster: name, version, config })),
    mounted: files.map((file) => ({
      id: existing.get(file.name) ?? PENDING_ID,
      name: file.name,
      target: targetOf(file.path, file === main, settings),
    })),
  };
}

function configsOf(cluster: string, configs: readonly StoredObject[]): StoredObject[] {
  return configs.filter((config) => config.labels[clusterLabel] === cluster && !isEncryptedSecretConfig(config));
}

/** Parts are mounted next to the main file, which includes them by name. */
function targetOf(path: string, isMain: boolean, { ProxyConfigPath }: ClusterState['cluster']['settings']): string {
  return isMain ? ProxyConfigPath : `${ProxyConfigPath.slice(0, ProxyConfigPath.lastIndexOf('/'))}/${path}`;
}

/** Removes unused versions: neither in use nor attached to the service. */
export function removeOldConfigs(
  { cluster }: ClusterState,
  { snapshot, proxy }: Observed,
  { version, files }: Rendering,
  inUse: readonly string[],
): Action[] {
  const { configIds = [], previousConfigIds = [], labels = {} } = proxy?.service ?? {};
  // Swarm would allow the removal of a config that only a roll-back requires.
  const attached = [...configIds, ...previousConfigIds];
  const versions = [version, ...inUse, labels[versionLabel] ?? ''];
  const digests = files.map(({ digest }) => digest);
  const old = prunable(configsOf(cluster.name, snapshot.configs), { versions, digests, attached });
  return old.map((config) => ({ kind: 'remove-config', config, why: 'old' }));
}
