/** A task of the controller's own service. */
export interface ControllerTask {
  readonly id: string;
  /** RFC 3339. */
  readonly createdAt: string;
  /** Whether it is healthy. */
  readonly isRunning: boolean;
  /** Image, settings and environment: controllers with the same basis make the same decisions. */
  readonly basis: string;
}

/**
 * Decides whether a controller may act while another task runs during an update: with other settings or another image, each would revert the other's
 * changes. The previous controller acts until its successor is healthy, and again if the successor fails. `alone`: there is no other task.
 */
export function standing(tasks: readonly ControllerTask[], ownId: string): 'alone' | 'decides' | 'waits' {
  const own = tasks.find(({ id }) => id === ownId);
  // Swarm is ending it: only tasks that should run are listed. Until it has ended, its decisions would revert those of its successor.
  if (own === undefined) return tasks.some(({ isRunning }) => isRunning) ? 'waits' : 'alone';
  const others = tasks.filter(({ basis }) => basis !== own.basis);
  if (others.length === 0) return 'alone';
  const running = others.filter(({ isRunning }) => isRunning);
  const isSucceeded = running.some(({ createdAt }) => createdAt > own.createdAt);
  const isEarly = running.length > 0 && !own.isRunning;
  return isSucceeded || isEarly ? 'waits' : 'decides';
}
