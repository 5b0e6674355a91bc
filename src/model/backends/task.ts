import { plainText } from '../../lib/plain-text.ts';

/** A task of a routed service: its state, and how it ended. */
export interface TaskRecord {
  readonly id: string;
  readonly serviceId: string;
  /** The replica that it belongs to; for a global service, the node. */
  readonly place: string;
  readonly nodeId: string | undefined;
  readonly state: string;
  readonly desiredState: string;
  readonly error: string | undefined;
  readonly exitCode: number | undefined;
  /** Times are in milliseconds since the epoch. */
  readonly createdAt: number;
  /** Since when it has been in its state, by the clock of its node. */
  readonly since: number;
  /** Equal for tasks of the same specification. */
  readonly spec: string;
  /** 0 if there is none. */
  readonly memoryLimitBytes: number;
  /** Its service defines a health check. False if only its image does. */
  readonly hasHealthCheck: boolean;
}

/** Why a task does not run. */
export type TaskFailure =
  /** Swarm's message, for both. */
  | { readonly kind: 'image-missing' | 'no-node' | 'not-started'; readonly message: string }
  /** The application ended. */
  | { readonly kind: 'ended'; readonly exitCode: number; readonly times: number }
  | { readonly kind: 'out-of-memory'; readonly limitBytes: number; readonly times: number }
  /** With an exit code, nothing but the circumstances say so: Swarm stops unhealthy containers as any others. */
  | { readonly kind: 'unhealthy'; readonly exitCode?: number; readonly times: number }
  /** The health check has not failed often enough to end the task, but has not succeeded either. */
  | { readonly kind: 'not-healthy-yet' };

const LONGEST_MESSAGE = 200;
/** 128 + SIGKILL. */
const KILLED = 137;
/** How applications end when they are stopped; 143 is 128 + SIGTERM. */
const STOPPED: readonly number[] = [0, 143, KILLED];

const ENDED = ['failed', 'rejected', 'complete', 'orphaned'];

/** Whether it ended without Swarm stopping it. */
export function hasEnded({ state }: TaskRecord): boolean {
  return ENDED.includes(state);
}

/** How a task ended. `times` is the number of its predecessors that ended too, and itself. */
export function failureOf(task: TaskRecord, times: number): TaskFailure {
  const { error = '', exitCode = 0, memoryLimitBytes, hasHealthCheck } = task;
  if (/no such image|pull access denied|manifest unknown|invalid reference format/i.test(error))
    return { kind: 'image-missing', message: messageOf(error) };
  if (/unhealthy/i.test(error)) return { kind: 'unhealthy', times };
  if (/out of memory|oom/i.test(error)) return { kind: 'out-of-memory', limitBytes: memoryLimitBytes, times };
  if (!isPlainExit(error)) return { kind: 'not-started', message: messageOf(error) };
  if (exitCode === KILLED && (memoryLimitBytes > 0 || !hasHealthCheck))
    return { kind: 'out-of-memory', limitBytes: memoryLimitBytes, times };
  if (STOPPED.includes(exitCode) && hasHealthCheck) return { kind: 'unhealthy', exitCode, times };
  return { kind: 'ended', exitCode, times };
}

/** Swarm has no reason beyond the exit code. */
function isPlainExit(error: string): boolean {
  return error === '' || /^task: non-zero exit \(\d+\)$/.test(error);
}

/** Swarm's message is text of the service's owner: it contains the image's name. */
export function messageOf(error: string): string {
  return plainText(error, LONGEST_MESSAGE).trim();
}
