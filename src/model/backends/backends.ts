import type { DesiredState } from '../desired-state.ts';
import type { Problem } from '../problem.ts';
import type { Route } from '../route.ts';
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

/** None of its tasks answers. */
export function isDown({ running, problem }: Pick<BackendState, 'running' | 'problem'>): boolean {
  return running === 0 || problem?.severity === 'error';
}

/** How a service is routed. */
interface Use {
  /** Undefined if there are several. */
  cluster: string | undefined;
  isVirtual: boolean;
}

/** The services that own routes, by ID. Jobs are left out: their tasks are meant to end. Runs for each change of thousands of services. */
export function routedOwners(
  { clusters }: Pick<DesiredState, 'clusters'>,
  services: readonly SwarmService[],
): ReadonlyMap<string, RoutedOwner> {
  const uses = new Map<string, Use>();
  for (const { cluster, routes, streams } of clusters)
    for (const route of [...routes, ...streams]) noteUse(uses, cluster.name, route);
  const owners = new Map<string, RoutedOwner>();
  for (const { id, name, mode } of services) {
    const use = uses.get(id);
    if (use === undefined || mode.kind === 'job') continue;
    owners.set(id, { id, name, replicas: mode.kind === 'replicated' ? mode.replicas : undefined, ...use });
  }
  return owners;
}

function noteUse(
  uses: Map<string, Use>,
  cluster: string,
  { service: { id }, backend }: Pick<Route, 'service' | 'backend'>,
): void {
  const isVirtual = backend.kind === 'peers' && backend.peers[0]?.virtual === true;
  const known = uses.get(id);
  if (known === undefined) uses.set(id, { cluster, isVirtual });
  else {
    if (known.cluster !== cluster) known.cluster = undefined;
    known.isVirtual ||= isVirtual;
  }
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
