import type { SwarmService } from '../snapshot.ts';

/** Number of tasks that Swarm should run. */
export function wantedTasks({ mode }: SwarmService, nodeCount: number): number {
  if (mode.kind === 'replicated') return mode.replicas;
  return mode.kind === 'global' ? nodeCount : 0;
}
