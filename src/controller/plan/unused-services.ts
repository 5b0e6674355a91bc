import { clusterLabel } from '../../model/names.ts';
import type { Snapshot, StoredObject } from '../../model/snapshot.ts';
import type { Action } from './actions.ts';

/** Removes everything of disabled and removed clusters: services first, then the objects attached to them. */
export function planUnused(
  { owned, configs, secrets }: Pick<Snapshot, 'owned' | 'configs' | 'secrets'>,
  active: readonly string[],
): Action[] {
  const isUnused = (cluster: string | undefined) => cluster !== undefined && !active.includes(cluster);
  const isUnusedObject = ({ labels }: StoredObject) => isUnused(labels[clusterLabel]);
  return [
    ...owned
      .filter(({ cluster }) => isUnused(cluster))
      .map((service): Action => ({ kind: 'remove-service', service, why: 'unused' })),
    ...configs.filter(isUnusedObject).map((config): Action => ({ kind: 'remove-config', config, why: 'unused' })),
    ...secrets.filter(isUnusedObject).map((secret): Action => ({ kind: 'remove-secret', secret })),
  ];
}
