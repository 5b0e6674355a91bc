/** A task of the controller's own service. */
export interface ControllerTask {
  readonly id: string;
  /** RFC 3339. */
  readonly createdAt: string;
  /** Healthy. */
  readonly isRunning: boolean;
  /** Image, settings and environment: controllers with the same decide the same. */
  readonly basis: string;
}

/**
 * Whether a controller decides, while tasks of an update work beside it: with other settings or another image, each would undo what the other
 * does. The former controller decides until its successor is healthy, and again if that one fails. `alone`: there is no other to consider.
 */
export function standing(tasks: readonly ControllerTask[], ownId: string): 'alone' | 'decides' | 'waits' {
  const own = tasks.find(({ id }) => id === ownId);
  const others = tasks.filter(({ basis }) => own !== undefined && basis !== own.basis);
  if (own === undefined || others.length === 0) return 'alone';
  const running = others.filter(({ isRunning }) => isRunning);
  const isSucceeded = running.some(({ createdAt }) => createdAt > own.createdAt);
  const isEarly = running.length > 0 && !own.isRunning;
  return isSucceeded || isEarly ? 'waits' : 'decides';
}
