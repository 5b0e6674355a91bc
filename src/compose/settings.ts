import { LABEL_PREFIX, splitList } from '../model/labels/label.ts';
import { definitionOf } from '../model/labels/labels.ts';
import { MOST_PORTS } from '../model/settings/keys.ts';
import { parseSettings, type Settings } from '../model/settings/settings.ts';
import type { Snapshot, SwarmService } from '../model/snapshot.ts';

/** Settings for files without a settings file: the defaults, with each service cluster, policy and port that labels name. */
export function settingsFor({ services }: Snapshot, release: string): Settings {
  const clusterOf = ({ labels }: SwarmService) => labels[`${LABEL_PREFIX}service_cluster`]?.trim() ?? '';
  const byCluster = Map.groupBy(services, clusterOf);
  const named = [...byCluster].map(([name, own]) => {
    const ports = { TcpPorts: portsIn(own, 'tcp_port'), UdpPorts: portsIn(own, 'udp_port') };
    return [name || 'default', { ServiceCluster: name, ...ports }] as const;
  });
  const policies = Object.fromEntries(services.flatMap(policiesOf).map((name) => [name, {}]));
  return parseSettings({ Extensions: { default: {}, ...Object.fromEntries(named) }, Policies: policies }, release)
    .settings;
}

/** Adds the secrets that the settings name. Compose files do not define them. */
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

function policiesOf(service: SwarmService): string[] {
  return valuesOf(service, 'policy').flatMap(splitList);
}

function portsIn(services: readonly SwarmService[], label: string): number[] {
  const ports = services.flatMap((service) => valuesOf(service, label)).map(Number);
  return [...new Set(ports)].filter((port) => Number.isInteger(port) && port > 0 && port < 65_536).slice(0, MOST_PORTS);
}

/** Values of a label, including those of numbered groups. */
function valuesOf({ labels }: SwarmService, name: string): string[] {
  return Object.entries(labels).flatMap(([label, value]) => {
    if (!label.startsWith(LABEL_PREFIX)) return [];
    return label.slice(LABEL_PREFIX.length).replace(/^\d+\./, '') === name ? [value] : [];
  });
}
