import type { ClusterState } from '../../model/cluster-state.ts';
import { clusterLabel, encryptedSecretLabel, publicKeyLabel } from '../../model/names.ts';
import { desiredReader } from '../../model/own-services/owned-service.ts';
import type { Problem } from '../../model/problem.ts';
import { problemKind } from '../../model/problem-kind.ts';
import { isEncryptedSecretConfig } from '../../model/secrets/encrypted-secrets.ts';
import type { Action } from './actions.ts';
import { createIdentity, mountedIdentity } from './identities.ts';
import type { Observed } from './observed.ts';

export const readerLate = problemKind({
  id: 'secret-reader-late',
  severity: 'error',
  meaning: `The job that reads new secrets for the proxies does not answer. They do not have the secrets yet.`,
  reason: (secrets: string) => `The job that reads secrets does not answer, so the proxies do not have ${secrets}`,
  remedy: 'The job is created again. It runs on a manager: check docker service ps for its error.',
  example: ['shop.cert'],
});

export interface ReaderPlan {
  readonly actions: readonly Action[];
  readonly problems: readonly Problem[];
  /** Secrets are being read. */
  readonly isReading: boolean;
}

/** Swarm mounts all of them into one task, whose answer is limited. */
const MOST_AT_ONCE = 100;
/** A job without an answer for this long is created again. */
const PATIENCE_MS = 30_000;

const NOTHING: ReaderPlan = { actions: [], problems: [], isReading: false };

/** Reads secrets that the proxies must have and that nobody has read for them: creates a job, stores its answer, removes it. */
export function planReader(desired: ClusterState, observed: Observed): ReaderPlan {
  const { cluster, unreadSecrets: unread } = desired;
  const { reader } = observed;
  const { publicKey } = observed.identities.proxy;
  const forget = forgetSecrets(desired, observed);
  if (unread.length === 0 || publicKey === undefined)
    return { ...NOTHING, actions: [...forget, ...removeJob(observed)], isReading: unread.length > 0 };
  if (reader === undefined) {
    const identity = createIdentity('reader', cluster.name, observed);
    const parts = {
      publicKey,
      identity: mountedIdentity('reader', observed),
      networkId: observed.controlNetworkId,
      secrets: unread.slice(0, MOST_AT_ONCE),
    };
    const actions: Action[] = [...identity, { kind: 'create-service', desired: desiredReader(cluster, parts) }];
    return { actions: [...forget, ...actions], problems: [], isReading: true };
  }
  const { answer, since } = reader;
  if (answer === undefined) {
    const isLate = observed.now - since > PATIENCE_MS;
    return { actions: isLate ? removeJob(observed) : [], problems: isLate ? [late(desired)] : [], isReading: true };
  }
  const wanted = new Set(unread.map(({ id }) => id));
  const store = answer
    .filter(({ id }) => wanted.has(id))
    .map((read): Action => ({ kind: 'store-secret', cluster: cluster.name, publicKey, read }));
  return { actions: [...forget, ...store, ...removeJob(observed)], problems: [], isReading: true };
}

function removeJob({ reader }: Observed): Action[] {
  return reader === undefined ? [] : [{ kind: 'remove-service', service: reader.service, why: 'finished' }];
}

/** Removes what was encrypted for another key, or whose secret no longer exists. A version in use has its own copy. */
function forgetSecrets({ cluster }: ClusterState, { snapshot, identities }: Observed): Action[] {
  const { publicKey } = identities.proxy;
  const present = new Set(snapshot.secrets.map(({ id }) => id));
  return snapshot.configs
    .filter((config) => isEncryptedSecretConfig(config) && config.labels[clusterLabel] === cluster.name)
    .filter(({ labels }) => !present.has(labels[encryptedSecretLabel] ?? '') || labels[publicKeyLabel] !== publicKey)
    .map((config) => ({ kind: 'remove-config', config, why: 'unused' }));
}

function late({ cluster: { name }, unreadSecrets }: ClusterState): Problem {
  const names = unreadSecrets.slice(0, 5).map((secret) => secret.name);
  const more = unreadSecrets.length > names.length ? ` and ${unreadSecrets.length - names.length} more` : '';
  return {
    ...readerLate(`${names.join(', ')}${more}`),
    cluster: name,
  };
}
