import type { ClusterState } from '../cluster-state.ts';
import type { DesiredState } from '../desired-state.ts';
import type { Problem } from '../problem.ts';
import type { SwarmService, TaskCounts } from '../snapshot.ts';
import type { PortFaults } from './connections.ts';
import type { TaskHealth } from './health.ts';
import { backendProblem } from './problem.ts';

/** A service that owns routes, as far as its tasks matter. */
export interface RoutedOwner {
  readonly id: string;
  readonly name: string;
  /** Undefined for a global service. */
  readonly replicas: number | undefined;
  /** The only cluster that routes to it; undefined if there are several. */
  readonly cluster: string | undefined;
  readonly isVirtual: boolean;
}

/** The observed state of a service's tasks. */
export interface BackendState extends TaskCounts {
  readonly faults: PortFaults | undefined;
  readonly problem: Problem | undefined;
}

/** By name of the service; absent if nothing is known about its tasks. */
export type Backends = ReadonlyMap<string, BackendState>;

/** The services that own routes, by ID. Jobs are left out: their tasks are meant to end. */
export function routedOwners(
  { clusters }: Pick<DesiredState, 'clusters'>,
  services: readonly SwarmService[],
): ReadonlyMap<string, RoutedOwner> {
  const routes = clusters.flatMap(({ cluster, routes }: ClusterState) =>
    routes.map((route) => ({ cluster: cluster.name, route })),
  );
  const byService = Map.groupBy(routes, ({ route }) => route.service.id);
  const owners = services.flatMap(({ id, name, mode }): RoutedOwner[] => {
    const own = byService.get(id);
    if (own === undefined || mode.kind === 'job') return [];
    const inClusters = new Set(own.map(({ cluster }) => cluster));
    const cluster = inClusters.size === 1 ? own[0]!.cluster : undefined;
    const isVirtual = own.some(({ route: { backend } }) => backend.kind === 'peers' && backend.peers[0]?.virtual);
    return [{ id, name, replicas: mode.kind === 'replicated' ? mode.replicas : undefined, cluster, isVirtual }];
  });
  return new Map(owners.map((owner) => [owner.id, owner]));
}

export function backendState(
  { name, cluster, isVirtual, replicas }: RoutedOwner,
  health: TaskHealth | undefined,
  counts: TaskCounts | undefined,
  faults: PortFaults | undefined,
): BackendState | undefined {
  const known = health ?? counts;
  if (known === undefined && faults === undefined) return undefined;
  // No task is expected to answer.
  const isOff = replicas === 0;
  const problem = isOff ? undefined : backendProblem({ service: name, cluster, health, faults, isVirtual });
  const desired = replicas ?? known?.desired ?? 0;
  return { desired, running: Math.min(known?.running ?? 0, desired), faults, problem };
}
