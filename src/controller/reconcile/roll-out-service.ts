import { refusedReasonLabel } from '../../model/names.ts';
import type { DesiredService } from '../../model/owned-service.ts';
import type { Problem } from '../../model/problem.ts';
import type { OwnedService } from '../../model/snapshot.ts';
import { specDigest } from '../../model/spec-digest.ts';
import type { ClusterOptions } from './cluster-options.ts';
import { differs, ensureService } from './ensure-service.ts';
import { isStillRefused, judgeRollout, refusal, rememberAttempt, rolloutReason } from './rollout.ts';

export interface RolledOut {
  /** A roll-out is in progress, to the desired specification or to another one. */
  readonly rolling: boolean;
  readonly problems: readonly Problem[];
}

/**
 * Rolls a service out to its desired specification, unless a roll-out is in progress or this one was rejected before.
 */
export async function rollOutService(
  desired: DesiredService,
  current: OwnedService | undefined,
  options: ClusterOptions,
  signal: AbortSignal,
): Promise<RolledOut> {
  const { attempts, now } = options;
  const wanted = specDigest(desired);
  rememberAttempt(current, attempts);
  const problems = current && isStillRefused(current, wanted) ? [refused(current)] : [];
  switch (judgeRollout(current, wanted, attempts, now())) {
    case 'wait':
      return { rolling: true, problems };
    case 'refused':
      return { rolling: false, problems };
    case 'rolled-back':
      await rememberRefusal(current!, wanted, options, signal);
      return { rolling: false, problems };
    case 'proceed':
      await ensureService(desired, current, options, signal);
      // It may be rolled back before the next pass.
      if (current) attempts.set(current.id, wanted);
      return { rolling: !current || current.rollout.kind === 'updating' || differs(current, desired), problems };
  }
}

/**
 * A rejection is stored on the service: a new controller must not immediately retry a specification that was rolled
 * back.
 */
async function rememberRefusal(
  current: OwnedService,
  spec: string,
  { swarm, logger, now }: ClusterOptions,
  signal: AbortSignal,
): Promise<void> {
  const tasks = await swarm.tasks(current.id, signal);
  const failed = tasks.find(({ state }) => state === 'failed' || state === 'rejected');
  const log = failed === undefined ? '' : await swarm.taskLog(failed.id, signal);
  const reason = rolloutReason(current.rollout, failed, log);
  logger.warn({ service: current.name, cluster: current.cluster, reason }, MESSAGES[current.role].log);
  await swarm.labelService(current, refusal(current, spec, reason, now()), signal);
}

const MESSAGES = {
  proxy: {
    log: 'Rolled back proxies',
    reason: 'The proxies were rolled back',
    remedy:
      'The proxies keep serving the last good configuration. The new one is retried from time to time, and when a service or the settings change.',
  },
  extension: {
    log: 'Rolled back extension',
    reason: 'The extension was rolled back',
    remedy:
      'The previous extension keeps running. The new one is retried from time to time, and when the settings change.',
  },
} as const;

function refused({ labels, role, cluster }: OwnedService): Problem {
  const { reason, remedy } = MESSAGES[role];
  const why = labels[refusedReasonLabel] ?? 'a replica did not start';
  return { severity: 'error', cluster, reason: `${reason}: ${why}`, remedy };
}
