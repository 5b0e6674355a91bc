import type { Bed } from '../bed/bed.ts';
import { versionConfigs } from '../src/controller/plan/versions.ts';
import { clusterLabel, fileLabel, versionLabel } from '../src/model/names.ts';

/** The newest configuration of the default cluster, as stored in Docker configs. */
export async function keptFiles({ manager: { docker } }: Bed): Promise<{ path: string; text: string }[]> {
  const configs = (await docker.listConfigs()).map(({ ID, CreatedAt = '', Spec }) => ({
    id: ID,
    createdAt: CreatedAt,
    name: Spec?.Name ?? '',
    labels: Spec?.Labels ?? {},
  }));
  const mains = configs.filter(
    ({ labels }) => labels[clusterLabel] === 'default' && labels[versionLabel] !== undefined,
  );
  const newest = mains.toSorted((a, b) => (a.createdAt < b.createdAt ? 1 : -1))[0]!;
  const kept = versionConfigs(configs, 'default', newest.labels[versionLabel]!);
  return Promise.all(
    kept.map(async ({ id, labels }) => {
      const { Spec } = await docker.getConfig(id).inspect();
      return { path: labels[fileLabel] ?? '', text: Buffer.from(Spec?.Data ?? '', 'base64').toString('utf8') };
    }),
  );
}
