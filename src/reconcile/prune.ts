import { versionLabel } from '../model/names.ts';
import type { StoredObject } from '../model/snapshot.ts';

/** Versions kept beside the running and the next one. */
const KEPT_VERSIONS = 10;

/** Config objects of one cluster that nothing needs any more: neither running, nor next, nor among the last ten versions. */
export function prunable(
  configs: readonly StoredObject[],
  needed: readonly string[],
  attached: readonly string[],
): StoredObject[] {
  const newestFirst = configs.toSorted((a, b) => (a.createdAt < b.createdAt ? 1 : -1));
  const versions = [...new Set(newestFirst.map(({ labels }) => labels[versionLabel] ?? ''))];
  const kept = new Set([...needed, ...versions.filter((version) => !needed.includes(version)).slice(0, KEPT_VERSIONS)]);
  return configs.filter(({ id, labels }) => !attached.includes(id) && !kept.has(labels[versionLabel] ?? ''));
}
