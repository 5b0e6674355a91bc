import { rejectedReasonLabel, specLabel } from '../../model/names.ts';
import type { DesiredService } from '../../model/own-services/owned-service.ts';
import { specDigest } from '../../model/own-services/spec-digest.ts';
import type { Problem } from '../../model/problem.ts';
import { asGiven, problemKind } from '../../model/problem-kind.ts';
import type { OwnedRole, OwnedService } from '../../model/snapshot.ts';
import type { Action } from './actions.ts';
import type { Attempt, Observed } from './observed.ts';
import { isStillRejected, judgeRollout } from './rollout.ts';

export const rolledBack = problemKind({
  id: 'roll-out-failed',
  severity: 'error',
  meaning: `A new specification of the proxies or the extension did not start, and was rolled back.`,
  ...asGiven,
  example: [
    'The proxies were rolled back: a replica did not start',
    'The proxies keep serving the last good configuration. The new one is retried from time to time, and when a service or the settings change.',
  ],
});

export interface RollOutPlan {
  readonly actions: readonly Action[];
  /** A roll-out is in progress, to the desired specification or to another one. */
  readonly rolling: boolean;
  /** The specification that the service already has; it may still be rolled back. */
  readonly attempt: Attempt | undefined;
  readonly problems: readonly Problem[];
}

/**
 * Rolls a service out to its desired specification, unless a roll-out is in progress or this one was rejected before.
 */
export function planRollOut(
  desired: DesiredService,
  current: OwnedService | undefined,
  { attempts, now }: Pick<Observed, 'attempts' | 'now'>,
): RollOutPlan {
  const spec = specDigest(desired);
  const problems = current && isStillRejected(current, spec) ? [rejectedProblem(current)] : [];
  const nothing = { actions: [], attempt: undefined, problems };
  switch (judgeRollout(current, spec, attempts, now)) {
    case 'wait':
      return { ...nothing, rolling: true };
    case 'rejected':
      return { ...nothing, rolling: false };
    case 'rolled-back':
      return { ...nothing, actions: [{ kind: 'record-rejection', service: current!, spec }], rolling: false };
    case 'proceed': {
      const isRolling = !current || current.rollout.kind === 'updating' || differs(current, desired);
      const actions = ensureService(desired, current);
      const attempt = current && actions.length === 0 ? { serviceId: current.id, spec } : undefined;
      return { actions, attempt, rolling: isRolling, problems };
    }
  }
}

/** Creates the service, or updates it if the desired specification differs from the last applied one. */
function ensureService(desired: DesiredService, current: OwnedService | undefined): Action[] {
  if (!current) return [{ kind: 'create-service', desired }];
  // Swarm can change neither the name nor the mode of a service, and two services cannot publish the same ports.
  const why = current.name === desired.name ? 'other-mode' : 'renamed';
  if (why === 'renamed' || hasOtherMode(current, desired))
    return [
      { kind: 'remove-service', service: current, why },
      { kind: 'create-service', desired },
    ];
  return differs(current, desired) ? [{ kind: 'update-service', current, desired }] : [];
}

function hasOtherMode(current: OwnedService, desired: DesiredService): boolean {
  return (current.replicas === undefined) !== (desired.replicas === 'global');
}

/**
 * Attachments are compared with the service's current ones, because nothing works without them. Everything else is compared with the last applied
 * specification.
 */
export function differs(current: OwnedService, desired: DesiredService): boolean {
  return (
    current.name !== desired.name ||
    current.labels[specLabel] !== specDigest(desired) ||
    !sameIds(
      current.configIds,
      desired.configs.map(({ id }) => id),
    ) ||
    !sameIds(
      current.secretIds,
      desired.secrets.map(({ id }) => id),
    ) ||
    desired.networkIds.some((id) => !current.networkIds.includes(id))
  );
}

function sameIds(a: readonly string[], b: readonly string[]): boolean {
  return a.toSorted().join() === b.toSorted().join();
}

const REJECTED: Readonly<Record<OwnedRole, { readonly reason: string; readonly remedy: string }>> = {
  proxy: {
    reason: 'The proxies were rolled back',
    remedy:
      'The proxies keep serving the last good configuration. The new one is retried from time to time, and when a service or the settings change.',
  },
  reader: { reason: 'The job that reads secrets was rolled back', remedy: 'It is created again.' },
  extension: {
    reason: 'The extension was rolled back',
    remedy:
      'The previous extension keeps running. The new one is retried from time to time, and when the settings change.',
  },
};

function rejectedProblem({ labels, role, cluster }: OwnedService): Problem {
  const { reason, remedy } = REJECTED[role];
  const why = labels[rejectedReasonLabel] ?? 'a replica did not start';
  return { ...rolledBack(`${reason}: ${why}`, remedy), cluster };
}
