import { backoffMs } from '../../lib/backoff.ts';
import {
  refusedLabel,
  refusedReasonLabel,
  refusedTimesLabel,
  refusedUntilLabel,
  specLabel,
} from '../../model/names.ts';
import type { Problem } from '../../model/problem.ts';
import type { OwnedService, OwnedTask, Rollout } from '../../model/snapshot.ts';

/** A roll-out that takes longer is stuck (no suitable node, a missing image) and may be superseded by a newer one. */
const PATIENCE_MS = 120_000;
/** A roll-back may be stuck as well. Swarm reports only when its roll-out began. */
const ROLLBACK_PATIENCE_MS = 600_000;

/**
 * A replica may fail temporarily, for example because a node has not yet released a network's addresses. So a specification that was rolled back is
 * retried at increasing intervals.
 */
const FIRST_RETRY_MS = 10_000;
const LAST_RETRY_MS = 1_800_000;

export type Verdict = 'proceed' | 'wait' | 'rolled-back' | 'refused';

/** Specifications seen during roll-outs, by service: identifies after a roll-back which one failed. */
export type Attempts = Map<string, string>;

/**
 * One roll-out at a time: Swarm rolls back to the previous specification, so that one must have proved healthy. A specification that was rolled back
 * waits for its next retry or for a change.
 */
export function judgeRollout(
  current: OwnedService | undefined,
  wanted: string,
  attempts: Attempts,
  now: number,
): Verdict {
  if (!current || current.labels[specLabel] === wanted) return 'proceed';
  const { rollout } = current;
  if (rollout.kind !== 'rolled-back' && isRefused(current, wanted, now)) return 'refused';
  switch (rollout.kind) {
    case 'updating':
      return now - Date.parse(rollout.startedAt) < PATIENCE_MS ? 'wait' : 'proceed';
    case 'rolling-back':
      if (now - Date.parse(rollout.startedAt) < ROLLBACK_PATIENCE_MS) return 'wait';
      return attempts.get(current.id) === wanted ? 'rolled-back' : 'proceed';
    case 'rolled-back':
      return attempts.get(current.id) === wanted ? 'rolled-back' : 'proceed';
    case 'paused':
    case 'settled':
      return 'proceed';
  }
}

function isRefused({ labels }: OwnedService, wanted: string, now: number): boolean {
  return labels[refusedLabel] === wanted && now < Date.parse(labels[refusedUntilLabel] ?? '');
}

/** The specification was rolled back and has not proved healthy since. */
export function isStillRefused({ labels, rollout }: OwnedService, wanted: string): boolean {
  return labels[refusedLabel] === wanted && (labels[specLabel] !== wanted || rollout.kind !== 'settled');
}

/** What a service stores about a roll-back. */
export function refusal(
  { labels }: OwnedService,
  spec: string,
  reason: string,
  now: number,
): Readonly<Record<string, string>> {
  const times = labels[refusedLabel] === spec ? (Number(labels[refusedTimesLabel]) || 0) + 1 : 1;
  const until = now + backoffMs(times, FIRST_RETRY_MS, LAST_RETRY_MS);
  return {
    [refusedLabel]: spec,
    [refusedReasonLabel]: reason,
    [refusedTimesLabel]: String(times),
    [refusedUntilLabel]: new Date(until).toISOString(),
  };
}

export function rememberAttempt(current: OwnedService | undefined, attempts: Attempts): void {
  const spec = current?.labels[specLabel];
  if (current?.rollout.kind === 'updating' && spec !== undefined) attempts.set(current.id, spec);
}

const MAX_REASON_LENGTH = 600;

/** Why a replica failed to start, from Swarm and the replica's last log lines. */
export function rolloutReason(rollout: Rollout, failed: OwnedTask | undefined, log: string): string {
  const message = 'message' in rollout ? rollout.message : '';
  const written = log.split('\n').filter((line) => line.trim() !== '');
  const complaints = written.filter((line) => /\[(emerg|alert|crit|error)\]/.test(line));
  const lines = (complaints.length > 0 ? complaints : written).slice(-3);
  return [failed?.error ?? message, ...lines]
    .filter((part) => part !== '')
    .join('; ')
    .slice(0, MAX_REASON_LENGTH);
}

/** A task that is neither up nor failed after this time is waiting for something. */
const START_PATIENCE_MS = 10_000;

/** Nothing is served; reports why. */
export function noReplicaProblem(
  tasks: readonly OwnedTask[],
  { name, replicas, cluster }: OwnedService,
  now: number,
): Problem[] {
  const problem = (reason: string, remedy: string): Problem[] => [
    { severity: 'error', cluster, reason: reason.slice(0, MAX_REASON_LENGTH), remedy },
  ];
  if (replicas === 0)
    return problem(`No proxy is running: ${name} is scaled to 0`, `Start proxies: docker service scale ${name}=2`);
  const wanted = tasks.filter(({ desiredState }) => desiredState === 'running' || desiredState === 'ready');
  if (wanted.some(({ state }) => state === 'running')) return [];
  const remedy = `Check: docker service ps ${name}`;
  const error = tasks.find((task) => task.error !== undefined)?.error;
  if (error !== undefined) return problem(`No proxy is running: ${error}`, remedy);
  const waiting = wanted.find(({ createdAt }) => now - Date.parse(createdAt) > START_PATIENCE_MS);
  return waiting ? problem(`No proxy is running: a task is ${waiting.state}`, remedy) : [];
}
