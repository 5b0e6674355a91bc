import { memoizeLast, sameItems } from '../../lib/memo.ts';
import {
  adminPasswordTarget,
  caLabel,
  controllerSecretTarget,
  extensionSecretTarget,
  proxySecretTarget,
  roleLabel,
  viewerPasswordTarget,
} from '../names.ts';
import { shownValue } from '../problem.ts';
import { problemKind } from '../problem-kind.ts';
import type { Settings } from '../settings/settings.ts';
import type { OwnedService, Snapshot, StoredObject, SwarmService } from '../snapshot.ts';
import type { Verdict } from './verdict.ts';

/** Secrets that are used for other purposes than the proxies' TLS. */
export interface SecretUse {
  /** IDs of secrets that Signalbox itself mounts. */
  readonly own: ReadonlySet<string>;
  /** Names of secrets with the token for the proxies' metrics. */
  readonly tokens: ReadonlySet<string>;
  /** Services that mount a secret, by its ID. */
  readonly mounts: ReadonlyMap<string, readonly SwarmService[]>;
}

/** On a secret: its owner declares that it is intended for the proxies. */
const TLS_LABEL = 'com.docker.lb.tls';
/** Files next to the secrets of services. */
const OWN_FILES: readonly string[] = [
  adminPasswordTarget,
  controllerSecretTarget,
  extensionSecretTarget,
  proxySecretTarget,
  viewerPasswordTarget,
];

type Seen = Pick<Snapshot, 'services' | 'owned' | 'controllerSecretIds'>;

/** Returns the same object while the secrets mounted by services are unchanged. */
export function createSecretUse(): (seen: Seen, settings: Settings) => SecretUse {
  let last: { readonly seen: readonly unknown[]; readonly use: SecretUse } | undefined;
  const mounting = memoizeLast((services: Snapshot['services']) => services.filter(({ secretIds }) => secretIds));
  return ({ services, owned, controllerSecretIds = [] }, settings) => {
    // Any service can carry our labels, but only one can have the name.
    const isExtension = ({ name }: OwnedService) =>
      settings.clusters.some(({ settings }) => settings.ServiceName === name);
    const ofExtensions = owned.filter(isExtension).flatMap(({ secretIds }) => secretIds);
    const users = mounting(services);
    const own = [...controllerSecretIds, ...ofExtensions];
    const seen = [settings, ...own, ...users];
    if (last && sameItems(last.seen, seen)) return last.use;
    const mounts = new Map<string, SwarmService[]>();
    for (const user of users)
      for (const id of new Set(user.secretIds)) mounts.set(id, [...(mounts.get(id) ?? []), user]);
    const tokens = settings.clusters.map((cluster) => cluster.settings.MetricsSecret).filter((name) => name !== '');
    last = { seen, use: { own: new Set(own), tokens: new Set(tokens), mounts } };
    return last.use;
  };
}

export const secretReserved = problemKind({
  id: 'secret-reserved',
  severity: 'error',
  meaning: `A label names a secret with a key, password or token of Signalbox itself. It is not sent to the proxies.`,
  reason: (secret: string) => `secret ${secret} is reserved for Signalbox`,
  remedy: 'Set it to the secret with your certificate or key.',
  example: ['signalbox.admin'],
  at: 'com.docker.lb.ssl_cert',
});

export const secretOfOthers = problemKind({
  id: 'secret-of-others',
  severity: 'warning',
  meaning: `A label names a secret that other services mount, and that may be no certificate, such as a password. It is sent to the proxies.`,
  reason: (secret: string, services: string) =>
    `secret ${secret} is sent to the proxies, but may not be intended for them: ${services}`,
  remedy: `Use another secret. If this one is intended for the proxies, create it with --label ${TLS_LABEL}=true.`,
  example: ['db-password', 'service shop_db mounts it'],
  at: 'com.docker.lb.ssl_cert',
});

/** For tests of single services. */
export const unknownUse: SecretUse = { own: new Set(), tokens: new Set(), mounts: new Map() };

/** Why a secret must not, or perhaps should not, be sent to the proxies ; undefined if nothing speaks against it. */
export function judgeUse(secret: StoredObject, { own, tokens, mounts }: SecretUse, user?: string): Verdict | undefined {
  const name = shownValue(secret.name);
  if (isOwn(secret) || own.has(secret.id) || tokens.has(secret.name)) {
    return { ...secretReserved(name), part: 'certificate' };
  }
  if (secret.labels[TLS_LABEL] === 'true') return undefined;
  const others = (mounts.get(secret.id) ?? []).filter(
    (service) => service.name !== user && !namesIt(service, secret.name),
  );
  const [first, ...more] = others.map((service) => service.name).toSorted();
  if (first === undefined) return undefined;
  const services =
    more.length === 0 ? `service ${first} mounts it` : `${first} and ${more.length} more services mount it`;
  return { ...secretOfOthers(name, services), part: 'certificate' };
}

function isOwn({ name, labels }: StoredObject): boolean {
  return (
    name.startsWith('signalbox.') ||
    OWN_FILES.includes(name) ||
    labels[roleLabel] !== undefined ||
    labels[caLabel] !== undefined
  );
}

/** Whether a service's own labels name the secret for the proxies, with or without the prefix of its stack. */
function namesIt({ labels }: SwarmService, secret: string): boolean {
  const stack = labels['com.docker.stack.namespace'];
  return Object.entries(labels).some(
    ([label, value]) =>
      /ssl_|\b(?:basic_auth|tcp_tls)$/.test(label) && (value === secret || `${stack}_${value}` === secret),
  );
}
