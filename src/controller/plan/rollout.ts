import { backoffMs } from '../../lib/backoff.ts';
import {
  rejectedLabel,
  rejectedReasonLabel,
  rejectedTimesLabel,
  rejectedUntilLabel,
  specLabel,
} from '../../model/names.ts';
import type { Problem } from '../../model/problem.ts';
import { asGiven, problemKind } from '../../model/problem-kind.ts';
import type { OwnedService, OwnedTask, Rollout } from '../../model/snapshot.ts';
import type { Attempts } from './observed.ts';

export const noProxy = problemKind({
  id: 'no-proxy',
  severity: 'error',
  meaning: `No proxy of a cluster runs, so nothing is served.`,
  ...asGiven,
  example: [
    'No proxy is running: no suitable node (scheduling constraints not satisfied on 3 nodes)',
    'Check: docker service ps signalbox-proxy',
  ],
});

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

export type Verdict = 'proceed' | 'wait' | 'rolled-back' | 'rejected';

/**
 * One roll-out at a time: Swarm rolls back to the previous specification, so that one must have proved healthy. A specification that was rolled back
 * waits for its next retry or for a change.
 */
export function judgeRollout(
  current: OwnedService | undefined,
  spec: string,
  attempts: Attempts,
  now: number,
): Verdict {
  if (!current || current.labels[specLabel] === spec) return 'proceed';
  const { rollout } = current;
  if (rollout.kind !== 'rolled-back' && isRejected(current, spec, now)) return 'rejected';
  switch (rollout.kind) {
    case 'updating':
      return now - Date.parse(rollout.startedAt) < PATIENCE_MS ? 'wait' : 'proceed';
    case 'rolling-back':
      if (now - Date.parse(rollout.startedAt) < ROLLBACK_PATIENCE_MS) return 'wait';
      return attempts.get(current.id) === spec ? 'rolled-back' : 'proceed';
    case 'rolled-back':
      return attempts.get(current.id) === spec ? 'rolled-back' : 'proceed';
    case 'paused':
    case 'settled':
      return 'proceed';
  }
}

function isRejected({ labels }: OwnedService, spec: string, now: number): boolean {
  return labels[rejectedLabel] === spec && now < Date.parse(labels[rejectedUntilLabel] ?? '');
}

/** The specification was rolled back and has not proved healthy since. */
export function isStillRejected({ labels, rollout }: OwnedService, spec: string): boolean {
  return labels[rejectedLabel] === spec && (labels[specLabel] !== spec || rollout.kind !== 'settled');
}

/** What a service stores about a roll-back. */
export function rejection(
  { labels }: OwnedService,
  spec: string,
  reason: string,
  now: number,
): Readonly<Record<string, string>> {
  const times = labels[rejectedLabel] === spec ? (Number(labels[rejectedTimesLabel]) || 0) + 1 : 1;
  const until = now + backoffMs(times, FIRST_RETRY_MS, LAST_RETRY_MS);
  return {
    [rejectedLabel]: spec,
    [rejectedReasonLabel]: reason,
    [rejectedTimesLabel]: String(times),
    [rejectedUntilLabel]: new Date(until).toISOString(),
  };
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
    { ...noProxy(reason.slice(0, MAX_REASON_LENGTH), remedy), cluster },
  ];
  if (replicas === 0)
    return problem(`No proxy is running: ${name} is scaled to 0`, `Start proxies: docker service scale ${name}=2`);
  const desired = tasks.filter(({ desiredState }) => desiredState === 'running' || desiredState === 'ready');
  if (desired.some(({ state }) => state === 'running')) return [];
  const remedy = `Check: docker service ps ${name}`;
  const error = tasks.find((task) => task.error !== undefined)?.error;
  if (error !== undefined) return problem(`No proxy is running: ${error}`, remedy);
  const waiting = desired.find(({ createdAt }) => now - Date.parse(createdAt) > START_PATIENCE_MS);
  return waiting ? problem(`No proxy is running: a task is ${waiting.state}`, remedy) : [];
}
