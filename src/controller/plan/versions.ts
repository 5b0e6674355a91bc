import { clusterLabel, configPrefix, fileLabel, partsLabel, roleLabel, versionLabel } from '../../model/names.ts';
import type { NewObject, StoredObject } from '../../model/snapshot.ts';
import type { ConfigurationFile, Rendering } from '../../model/version.ts';

/** Number of versions kept in addition to the running and the next one. */
const KEPT_VERSIONS = 10;

/**
 * Stores a version in Docker configs: one for each file, named by the digest of its content, so that versions share common files. The main file's
 * config lists the other files.
 */
export function toStored({ version, files }: Rendering, cluster: string): (NewObject & { readonly path: string })[] {
  const [, ...parts] = files;
  const labels = { [roleLabel]: 'proxy', [clusterLabel]: cluster };
  const made = { ...(parts.length > 0 ? { [partsLabel]: parts.map(({ digest }) => digest).join(' ') } : {}) };
  return files.map(({ path, digest, text }, position) => ({
    name: configName(digest),
    path,
    labels: { ...labels, [fileLabel]: path, ...(position === 0 ? { [versionLabel]: version, ...made } : {}) },
    data: text,
  }));
}

/** The configs of a stored version, the main file first; empty if the version is incomplete. */
export function versionConfigs(configs: readonly StoredObject[], cluster: string, version: string): StoredObject[] {
  const ofCluster = configs.filter(({ labels }) => labels[clusterLabel] === cluster);
  const main = ofCluster.find(({ labels }) => labels[versionLabel] === version);
  if (!main) return [];
  const byName = new Map(ofCluster.map((config) => [config.name, config]));
  const parts = partNames(main);
  const found = parts.flatMap((name) => byName.get(name) ?? []);
  return found.length === parts.length ? [main, ...found] : [];
}

export function toFile({ name, labels }: StoredObject, text: string): ConfigurationFile {
  return { path: labels[fileLabel] ?? '', digest: name.slice(configPrefix.length), text };
}

/**
 * Unused configs of one cluster: neither running, nor next, nor among the last ten versions. Main files come first, so that no version is ever left
 * without its parts.
 */
export function prunable(
  configs: readonly StoredObject[],
  { versions, digests, attached }: Needed,
): readonly StoredObject[] {
  const mains = configs
    .filter(({ labels }) => labels[versionLabel] !== undefined)
    .toSorted((a, b) => (a.createdAt < b.createdAt ? 1 : -1));
  const stored = [...new Set(mains.map(({ labels }) => labels[versionLabel]!))];
  const kept = new Set([
    ...versions,
    ...stored.filter((version) => !versions.includes(version)).slice(0, KEPT_VERSIONS),
  ]);
  const isKept = ({ id, labels }: StoredObject) => attached.includes(id) || kept.has(labels[versionLabel] ?? '');
  const names = new Set([...mains.filter(isKept).flatMap(partNames), ...digests.map(configName)]);
  const parts = configs.filter(({ labels }) => labels[versionLabel] === undefined);
  return [
    ...mains.filter((main) => !isKept(main)),
    ...parts.filter(({ id, name }) => !attached.includes(id) && !names.has(name)),
  ];
}

interface Needed {
  readonly versions: readonly string[];
  /** Digests of the files of a version that may not be stored yet. */
  readonly digests: readonly string[];
  /** IDs of configs attached to a service. */
  readonly attached: readonly string[];
}

function configName(digest: string): string {
  return configPrefix + digest;
}

function partNames({ labels }: StoredObject): string[] {
  return (labels[partsLabel] ?? '').split(' ').filter(Boolean).map(configName);
}
