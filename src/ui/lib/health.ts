import type { ClusterView, ReplicaView, State } from '../../controller/admin/state.ts';
import { count, listed } from './format.ts';

/** Signal color: green, yellow, red, or unlit. */
export type Aspect = 'clear' | 'caution' | 'danger' | 'off';

export interface Health {
  readonly aspect: Aspect;
  readonly title: string;
  readonly reason: string;
}

type Cause = (state: State) => Health | undefined;

/** Causes that make the system unhealthy, the most severe first. */
const causes: readonly Cause[] = [
  ({ error }) => (error === null ? undefined : { aspect: 'danger', title: 'Failing', reason: error }),
  ({ observedAt }) =>
    observedAt === null ? caution('Starting', 'The controller has not checked the swarm yet.') : undefined,
  ({ enabled }) =>
    enabled
      ? undefined
      : { aspect: 'off', title: 'Off', reason: 'Layer 7 routing is turned off. Applications keep running.' },
  where(isDown, (clusters) => ({ aspect: 'danger', title: 'Failing', reason: `No proxy is running in ${clusters}.` })),
  where(isRolling, (clusters) => caution('Rolling out', `A new version is rolling out to the proxies of ${clusters}.`)),
  where(isNew, (clusters) => caution('Starting', `${clusters} has no version yet.`)),
  where(isBehind, (clusters) => caution('Degraded', `Not every proxy of ${clusters} serves the latest version.`)),
  where(isHeld, (clusters) => caution('Held', `New changes are queued in ${clusters}.`)),
  ({ problems }) => {
    const errors = problems.filter(({ severity }) => severity === 'error').length;
    if (errors === 0) return undefined;
    const affect = errors === 1 ? 'affects' : 'affect';
    return caution('Degraded', `All proxies are healthy. ${count(errors, 'problem')} ${affect} services.`);
  },
];

/** Overall health in one word and one sentence. */
export function healthOf(state: State): Health {
  for (const cause of causes) {
    const health = cause(state);
    if (health !== undefined) return health;
  }
  return { aspect: 'clear', title: 'Healthy', reason: 'Every proxy serves the latest version.' };
}

/** The signal of one cluster. */
export function clusterAspect(cluster: ClusterView): Aspect {
  if (isNew(cluster)) return 'off';
  if (isDown(cluster)) return 'danger';
  return isRolling(cluster) || isHeld(cluster) || isBehind(cluster) ? 'caution' : 'clear';
}

/** Whether a replica serves its cluster's desired version. */
export function isCurrent({ state, version, error }: ReplicaView, cluster: ClusterView): boolean {
  return error === null && state === 'running' && (version === null || version === cluster.version);
}

function caution(title: string, reason: string): Health {
  return { aspect: 'caution', title, reason };
}

function where(applies: (cluster: ClusterView) => boolean, describe: (clusters: string) => Health): Cause {
  return ({ clusters }) => {
    const names = clusters.filter(applies).map(({ name }) => name);
    return names.length === 0 ? undefined : describe(listed(names));
  };
}

function isNew({ version }: ClusterView): boolean {
  return version === null;
}

function isDown({ version, replicas }: ClusterView): boolean {
  return version !== null && !replicas.some(({ state }) => state === 'running');
}

function isRolling({ rolling }: ClusterView): boolean {
  return rolling;
}

function isHeld({ held }: ClusterView): boolean {
  return held !== null;
}

function isBehind(cluster: ClusterView): boolean {
  return !cluster.replicas.every((replica) => isCurrent(replica, cluster));
}
