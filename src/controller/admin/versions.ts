import { clusterLabel, fileLabel, versionLabel } from '../../model/names.ts';
import type { StoredObject } from '../../model/snapshot.ts';
import { versionConfigs } from '../plan/versions.ts';
import type { KeptVersion } from './requests.ts';

type StoredVersion = Pick<KeptVersion, 'version' | 'createdAt'>;

/** The versions of a cluster's configuration that can be viewed and rolled back to, the newest first. */
export function keptVersions(configs: readonly StoredObject[], cluster: string): StoredVersion[] {
  const own = configs.filter(({ labels }) => labels[clusterLabel] === cluster && labels[versionLabel] !== undefined);
  const byVersion = Map.groupBy(own, ({ labels }) => labels[versionLabel]!);
  return [...byVersion]
    .map(([version, [first]]) => ({ version, createdAt: first!.createdAt }))
    .toSorted((a, b) => (a.createdAt < b.createdAt ? 1 : -1));
}

/** All files of a version as one text; undefined if the version was not kept. */
export async function readVersion(
  configs: readonly StoredObject[],
  cluster: string,
  version: string,
  read: (id: string) => Promise<string>,
): Promise<string | undefined> {
  const files = versionConfigs(configs, cluster, version);
  if (files.length === 0) return undefined;
  const texts = await Promise.all(
    files.map(async ({ id, labels }) => `# ${labels[fileLabel] ?? ''}\n${await read(id)}`),
  );
  return texts.join('\n');
}
