import { LABEL_PREFIX, splitList } from '../model/labels/label.ts';
import { definitionOf } from '../model/labels/labels.ts';
import { parseSettings, type Settings } from '../model/settings/settings.ts';
import type { Snapshot, SwarmService } from '../model/snapshot.ts';

/** Without a settings file: the defaults, with every service cluster and policy that a label names. */
export function settingsFor({ services }: Snapshot, release: string): Settings {
  const label = `${LABEL_PREFIX}service_cluster`;
  const names = new Set(services.flatMap(({ labels }) => labels[label]?.trim() || []));
  const named = [...names].map((name) => [name, { ServiceCluster: name }]);
  const policies = Object.fromEntries(services.flatMap(policiesOf).map((name) => [name, {}]));
  return parseSettings({ Extensions: { ...Object.fromEntries(named), default: {} }, Policies: policies }, release)
    .settings;
}

/** The stack, with the secrets that the settings name: files of the stack do not define them. */
export function withGivenSecrets(snapshot: Snapshot, { policies, clusters }: Settings): Snapshot {
  const tables = [...policies.values(), ...clusters.flatMap(({ defaults, enforced }) => [defaults, enforced])];
  const named = tables
    .flatMap((table) => [...table])
    .filter(([name]) => definitionOf(name)?.type === 'name of a secret')
    .map(([, { value }]) => value.trim());
  const listed = clusters.flatMap(({ settings }) => [settings.DefaultCertificate, ...settings.Certificates]);
  const present = new Set(snapshot.secrets.map(({ name }) => name));
  const missing = [...new Set([...named, ...listed])].filter((name) => name !== '' && !present.has(name));
  const added = missing.map((name) => ({ id: name, name, createdAt: '', labels: {} }));
  return { ...snapshot, secrets: [...snapshot.secrets, ...added] };
}

/** Also of numbered groups. */
function policiesOf({ labels }: SwarmService): string[] {
  const values = Object.entries(labels).filter(
    ([label]) => label.startsWith(LABEL_PREFIX) && /^(?:\d+\.)?policy$/.test(label.slice(LABEL_PREFIX.length)),
  );
  return values.flatMap(([, value]) => splitList(value));
}
