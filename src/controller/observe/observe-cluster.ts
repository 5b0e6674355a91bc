import { RetryableError } from '../../lib/retryable.ts';
import type { ClusterState } from '../../model/cluster-state.ts';
import { controlNetwork } from '../../model/names.ts';
import { proxySpread } from '../../model/own-services/proxy-spread.ts';
import type { OwnedRole, OwnedService, Snapshot } from '../../model/snapshot.ts';
import type { CurrentProxy, CurrentReader, Observed } from '../plan/observed.ts';
import type { Credentials, SecretReader, Swarm } from '../ports.ts';
import { readTexts } from './administrator-texts.ts';
import type { AttemptBook } from './attempt-book.ts';
import { readHeld } from './held-rendering.ts';
import type { SpreadBook } from './spread-book.ts';

export interface ObserverOptions {
  readonly swarm: Swarm;
  readonly credentials: Credentials;
  readonly now: () => number;
  readonly attempts: AttemptBook;
  readonly spreadBook: SpreadBook;
  readonly secretReader: SecretReader;
}

/** Observes what the plan for one cluster depends on, beyond the snapshot. `held` is the version at which an administrator holds the cluster. */
export async function observeCluster(
  { cluster }: ClusterState,
  snapshot: Snapshot,
  held: string | undefined,
  options: ObserverOptions,
): Promise<Observed> {
  const { swarm, credentials, now, attempts } = options;
  const { name, settings } = cluster;
  const control = snapshot.networks.find((network) => network.name === controlNetwork);
  if (!control) throw new RetryableError(`Network ${controlNetwork} is missing`);
  const extension = findOwned(snapshot, 'extension', name, settings.ServiceName);
  const proxy = findOwned(snapshot, 'proxy', name, settings.ProxyServiceName);
  attempts.note([extension, proxy]);
  const identityOf = (role: OwnedRole) => credentials.find(role, name, snapshot.secrets);
  return {
    snapshot,
    now: now(),
    controlNetworkId: control.id,
    extension,
    proxy: proxy && (await observeProxy(proxy, snapshot, options)),
    reader: await observeReader(name, snapshot, control.id, options),
    identities: { extension: identityOf('extension'), proxy: identityOf('proxy'), reader: identityOf('reader') },
    texts: await readTexts(cluster, snapshot.configs, swarm),
    held: held === undefined ? undefined : await readHeld(name, held, snapshot.configs, swarm),
    attempts: attempts.specs,
  };
}

async function observeProxy(
  service: OwnedService,
  { nodes }: Snapshot,
  { swarm, spreadBook, now }: ObserverOptions,
): Promise<CurrentProxy> {
  const tasks = await swarm.tasks(service.id);
  const spread = proxySpread(service, tasks, nodes);
  return { service, tasks, spread, steadiness: spreadBook.note(service.cluster, spread, now()) };
}

const READ_TIMEOUT_MS = 5000;

/** Any service can carry our labels, but only this job has an identity as one. */
async function observeReader(
  cluster: string,
  { owned }: Snapshot,
  networkId: string,
  { swarm, secretReader, now }: ObserverOptions,
): Promise<CurrentReader | undefined> {
  const service = owned.find((one) => one.role === 'reader' && one.cluster === cluster);
  if (service === undefined) return undefined;
  const [task] = await swarm.tasks(service.id);
  const [address] = task?.state === 'running' ? (task.addresses[networkId] ?? []) : [];
  const signal = AbortSignal.timeout(READ_TIMEOUT_MS);
  const answer = address === undefined ? undefined : await secretReader.read(address, cluster, signal);
  return { service, since: task === undefined ? now() : Date.parse(task.createdAt), answer };
}

/** A service with another name was renamed in the settings. Labels alone prove nothing: any service can carry ours. */
function findOwned({ owned }: Snapshot, role: OwnedRole, cluster: string, name: string): OwnedService | undefined {
  const candidates = owned.filter((service) => service.role === role && service.cluster === cluster);
  return candidates.find((service) => service.name === name) ?? candidates[0];
}
