import { LABEL_PREFIX } from '../model/label.ts';
import { parseSettings, type Settings } from '../model/settings.ts';
import type { Snapshot } from '../model/snapshot.ts';

/** Where nobody tells what is set up: the defaults, with every service cluster that a label names. */
export function settingsFor({ services }: Snapshot, release: string): Settings {
  const label = `${LABEL_PREFIX}service_cluster`;
  const names = new Set(services.flatMap(({ labels }) => labels[label]?.trim() || []));
  const named = [...names].map((name) => [name, { ServiceCluster: name }]);
  return parseSettings({ Extensions: { ...Object.fromEntries(named), default: {} } }, release).settings;
}
