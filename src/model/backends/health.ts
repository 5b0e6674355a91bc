import { failureOf, hasEnded, messageOf, type TaskFailure, type TaskRecord } from './task.ts';

/** How many tasks of a service run, and why the others do not. */
export interface TaskHealth {
  readonly desired: number;
  /** Without tasks that started a moment ago and whose predecessors failed. */
  readonly running: number;
  /** The most frequent failure; undefined if all tasks run, or start for the first time. */
  readonly failure: TaskFailure | undefined;
  /** All tasks run, and nothing is about to change. */
  readonly isSteady: boolean;
}

/** A task whose predecessors failed counts as running after this time … */
const LEAST_STEADY_MS = 5000;
/** … or longer if they lived longer, but no longer than this. */
const MOST_STEADY_MS = 30_000;
/** Swarm places most tasks sooner. */
const PLACED_MS = 2000;
/** Most health checks succeed sooner. */
const HEALTHY_MS = 6000;

/** `replicas` is undefined for a global service. `isReady` says whether a node is up. */
export function judgeTasks(
  replicas: number | undefined,
  tasks: readonly TaskRecord[],
  isReady: (nodeId: string) => boolean,
  now: number,
): TaskHealth {
  const places = [...Map.groupBy(tasks, ({ place }) => place).values()].map((own) => judgePlace(own, isReady, now));
  const desired = replicas ?? places.filter(({ isDesired }) => isDesired).length;
  const running = Math.min(desired, places.filter(({ isUp }) => isUp).length);
  // Places without a desired task remain from a larger number of replicas, unless tasks are missing.
  const relevant = places.filter(({ isDesired }) => isDesired || running < desired);
  const isSteady = running === desired && relevant.every(({ isSettled }) => isSettled);
  const failures = relevant.flatMap(({ failure }) => (failure && isRelevant(failure, running) ? failure : []));
  return { desired, running, failure: desired === 0 ? undefined : mostFrequent(failures), isSteady };
}

interface Place {
  /** Swarm wants a task here. */
  readonly isDesired: boolean;
  readonly isUp: boolean;
  /** No other task is about to start here. */
  readonly isSettled: boolean;
  readonly failure: TaskFailure | undefined;
}

function judgePlace(own: readonly TaskRecord[], isReady: (nodeId: string) => boolean, now: number): Place {
  const tasks = own.toSorted((a, b) => b.createdAt - a.createdAt);
  const current = tasks.filter(({ desiredState }) => desiredState === 'running' || desiredState === 'ready');
  // Failures of an earlier specification are history.
  const ended = tasks.filter((task) => hasEnded(task) && task.spec === tasks[0]!.spec);
  const up = current.filter(({ state, nodeId }) => state === 'running' && isReady(nodeId ?? ''));
  const isUp = up.some(({ since }) => now - since >= steadyAfter(ended));
  const isSettled = isUp && up.length === current.length;
  const failure = isSettled ? undefined : reasonOf(current, ended, now);
  return { isDesired: current.length > 0, isUp, isSettled, failure };
}

/** An application that ends after ten seconds, again and again, is not fixed each time it has run for five. */
function steadyAfter(ended: readonly TaskRecord[]): number {
  if (ended.length === 0) return 0;
  const longest = Math.max(...ended.map(({ since, createdAt }) => since - createdAt));
  return Math.min(MOST_STEADY_MS, Math.max(LEAST_STEADY_MS, 2 * longest));
}

function reasonOf(current: readonly TaskRecord[], ended: readonly TaskRecord[], now: number): TaskFailure | undefined {
  const unplaced = current.find(
    ({ state, error, createdAt }) => state === 'pending' && error !== undefined && now - createdAt >= PLACED_MS,
  );
  if (unplaced) return { kind: 'no-node', message: messageOf(unplaced.error ?? '') };
  const [last] = ended;
  if (last) return failureOf(last, ended.length);
  const isLate = current.some(({ state, since }) => state === 'starting' && now - since >= HEALTHY_MS);
  return isLate ? { kind: 'not-healthy-yet' } : undefined;
}

/** While other tasks run, it is no failure if the successor of one takes its time. */
function isRelevant({ kind }: TaskFailure, running: number): boolean {
  return kind !== 'not-healthy-yet' || running === 0;
}

/** Of failures of the same kind, the one that happened most often. */
function mostFrequent(failures: readonly TaskFailure[]): TaskFailure | undefined {
  const byKind = [...Map.groupBy(failures, ({ kind }) => kind).values()].toSorted((a, b) => b.length - a.length);
  return byKind[0]?.toSorted((a, b) => timesOf(b) - timesOf(a))[0];
}

function timesOf(failure: TaskFailure): number {
  return 'times' in failure ? failure.times : 0;
}
