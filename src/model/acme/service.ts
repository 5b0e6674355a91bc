import { digest } from '../../lib/digest.ts';
import { acmeSecretTarget, acmeService, namedSecretPrefix } from '../names.ts';
import { type DesiredService, type MountedObject, placement } from '../own-services/owned-service.ts';
import type { StoredObject, SwarmNode } from '../snapshot.ts';
import { accountOf } from './certificates.ts';
import { type Issuer, type Issuers, issuerSecrets } from './issuers.ts';

/** On the service: marks it as the controller's. It belongs to no service cluster. */
export const acmeServiceLabel = 'com.signalbox.acme.service';

const MIB = 1024 ** 2;

/** The service that orders certificates: one task on the control network, with the secrets of all issuers that exist. */
export function desiredAcmeService(
  issuers: Issuers,
  secrets: readonly StoredObject[],
  nodes: readonly SwarmNode[],
  { image, networkId, identity }: { image: string; networkId: string; identity: Omit<MountedObject, 'target'> },
): DesiredService<'acme'> {
  const byName = new Map(secrets.map((secret) => [secret.name, secret]));
  const named = issuerSecrets(issuers).flatMap((name) => byName.get(name) ?? []);
  const accounts = [...issuers.values()].flatMap((issuer) => {
    const account = accountOf(issuer, secrets);
    return account === undefined ? [] : [{ id: account.id, name: account.secret, target: accountTarget(issuer) }];
  });
  return {
    role: 'acme',
    cluster: '',
    name: acmeService,
    image,
    args: [],
    labels: { [acmeServiceLabel]: 'true' },
    containerLabels: {},
    networkIds: [networkId],
    configs: [],
    secrets: [
      { ...identity, target: acmeSecretTarget },
      ...named.map(({ id, name }) => ({ id, name, target: namedTarget(name) })),
      ...accounts,
    ],
    constraints: placement(null, nodes),
    preferences: [],
    replicas: 1,
    ports: [],
    stopSignal: 'SIGTERM',
    stopGracePeriodMs: 10_000,
    updateDelayMs: 0,
    // With two tasks, an order could reach the one without its secrets.
    updateOrder: 'stop-first',
    health: { intervalMs: 5000, timeoutMs: 10_000 },
    env: {},
    volumes: {},
    limits: { memoryBytes: 512 * MIB, pids: 256 },
    tmpfs: { '/tmp': 64 * MIB },
    init: false,
  };
}

/** Mount target of an issuer's account key. */
export function accountTarget({ name, Directory }: Pick<Issuer, 'name' | 'Directory'>): string {
  return `signalbox-acme-account-${name}-${digest(Directory)}`;
}

/** Mount target of a secret that the settings name; '' for none. */
export function namedTarget(name: string): string {
  return name === '' ? '' : `${namedSecretPrefix}${name}`;
}
