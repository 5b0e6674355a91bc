import type { ClusterView, ReplicaView, State } from '../../admin/state.ts';
import { count, listed } from './format.ts';

/** As signals show it: green, yellow, red, or no light at all. */
export type Aspect = 'clear' | 'caution' | 'danger' | 'off';

export interface Health {
  readonly aspect: Aspect;
  readonly title: string;
  readonly reason: string;
}

type Cause = (state: State) => Health | undefined;

/** What keeps the whole from being well, the worst first. */
const causes: readonly Cause[] = [
  ({ error }) => (error === null ? undefined : { aspect: 'danger', title: 'Trouble', reason: error }),
  ({ observedAt }) =>
    observedAt === null ? caution('Starting', 'The controller has not seen the swarm yet.') : undefined,
  ({ enabled }) =>
    enabled
      ? undefined
      : { aspect: 'off', title: 'Off', reason: 'Layer 7 routing is switched off. Applications run on.' },
  where(isDown, (clusters) => ({ aspect: 'danger', title: 'Trouble', reason: `No proxy runs in ${clusters}.` })),
  where(isRolling, (clusters) => caution('Under way', `A new version goes to the proxies of ${clusters}.`)),
  where(isNew, (clusters) => caution('Starting', `There is no version yet in ${clusters}.`)),
  where(isBehind, (clusters) => caution('Caution', `Not every proxy of ${clusters} serves the newest version.`)),
  where(isHeld, (clusters) => caution('Held', `New changes wait in ${clusters}.`)),
  ({ problems }) => {
    const errors = problems.filter(({ severity }) => severity === 'error').length;
    if (errors === 0) return undefined;
    const keep = errors === 1 ? 'keeps' : 'keep';
    return caution(
      'Caution',
      `All proxies are well; ${count(errors, 'problem')} ${keep} services from what they ask for.`,
    );
  },
];

/** The whole in one word and one sentence. */
export function healthOf(state: State): Health {
  for (const cause of causes) {
    const health = cause(state);
    if (health !== undefined) return health;
  }
  return { aspect: 'clear', title: 'All clear', reason: 'Every proxy serves the newest version.' };
}

/** A signal for one cluster. */
export function clusterAspect(cluster: ClusterView): Aspect {
  if (isNew(cluster)) return 'off';
  if (isDown(cluster)) return 'danger';
  return isRolling(cluster) || isHeld(cluster) || isBehind(cluster) ? 'caution' : 'clear';
}

/** Whether a replica runs the version that its cluster should serve. */
export function isCurrent({ state, version, error }: ReplicaView, cluster: ClusterView): boolean {
  return error === null && state === 'running' && (version === null || version === cluster.version);
}

function caution(title: string, reason: string): Health {
  return { aspect: 'caution', title, reason };
}

function where(applies: (cluster: ClusterView) => boolean, tell: (clusters: string) => Health): Cause {
  return ({ clusters }) => {
    const names = clusters.filter(applies).map(({ name }) => name);
    return names.length === 0 ? undefined : tell(listed(names));
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
