import type { ClusterState } from '../../model/cluster-state.ts';
import type { Problem } from '../../model/problem.ts';
import { asGiven, problemKind } from '../../model/problem-kind.ts';
import type { OwnedTask } from '../../model/snapshot.ts';
import type { Rendering, Reports } from '../../model/version.ts';
import type { OfferVersion } from './actions.ts';
import type { CurrentProxy } from './observed.ts';
import { reportOf, runningTasks } from './replicas.ts';

export const replicaLate = problemKind({
  id: 'replica-late',
  severity: 'error',
  meaning: `A replica serves an older version than the others.`,
  ...asGiven,
  example: [
    'Replica x4k2 of signalbox-proxy on node n7 does not apply the current configuration',
    'The other replicas serve it. If the replica hangs, its health check stops it.',
  ],
});

export const versionRejected = problemKind({
  id: 'version-rejected',
  severity: 'error',
  meaning: `The nginx of a proxy rejected a version that the extension accepted, because of its secrets, memory or files.`,
  reason: (message: string) => `A proxy rejected the new configuration: ${message}`,
  remedy: 'The proxies keep serving the last good configuration. The next change is tried again.',
  example: ['cannot load certificate'],
});

/** If replicas and their extension have been up this long without a report from any agent, the replicas have none: their image is not ours. */
const AGENT_PATIENCE_MS = 15_000;
/** A replica that has not loaded a version after this time is reported. */
const LATE_MS = 10_000;

export interface InPlacePlan {
  readonly actions: readonly OfferVersion[];
  readonly rolling: boolean;
  readonly problems: readonly Problem[];
}

/** What was observed of the replicas that are to load a version. */
export interface InPlaceView {
  readonly reports: Reports | undefined;
  readonly now: number;
  /** When the version was rendered, in milliseconds since the epoch. */
  readonly renderedAt: number;
}

/**
 * Offers the version to the agents, whose tasks were started for the version `boot`. Returns undefined if that is impossible: no replica is up, or
 * the replicas have no agent.
 */
export function planInPlace(
  state: ClusterState,
  { service, tasks }: Pick<CurrentProxy, 'service' | 'tasks'>,
  boot: string,
  rendering: Rendering,
  { reports, now, renderedAt }: InPlaceView,
): InPlacePlan | undefined {
  const running = runningTasks(tasks);
  if (running.length === 0) return undefined;
  // A hanging agent does not keep the others from receiving the version.
  if (running.every(({ id }) => reportOf(reports, id) === undefined)) {
    const since = reports?.since ?? now;
    const isOverdue = ({ createdAt }: OwnedTask) => now - Math.max(Date.parse(createdAt), since) > AGENT_PATIENCE_MS;
    return running.some(isOverdue) ? undefined : { actions: [], rolling: true, problems: [] };
  }

  const { name } = state.cluster;
  const { version } = rendering;
  const offered = offerTo(reports, boot);
  if (offered?.version !== version)
    return { actions: [offerOf(state, boot, rendering, false)], rolling: true, problems: [] };
  const rejections = rejectionsOf(version, offered.refused, running, reports);
  const behind = rejections.length > 0 ? [] : running.filter(({ id }) => reportOf(reports, id)?.serving !== version);
  // Swarm may still be replacing tasks for an earlier update.
  const isReplacing = service.rollout.kind === 'updating' || service.rollout.kind === 'rolling-back';
  const isLate = ({ createdAt }: OwnedTask) =>
    now - Math.max(Date.parse(createdAt), renderedAt, reports?.since ?? 0) > LATE_MS;
  return {
    actions: [],
    rolling: isReplacing || behind.length > 0,
    problems: [
      ...rejections.map((message) => rejectedProblem(name, message)),
      ...(isReplacing ? [] : behind.filter(isLate)).map((task) => lateProblem(name, task, service.name)),
    ],
  };
}

/** Offers the version to the replicas of a roll-out that begins. They start with it anyway, but may wait for an offer if there is none. */
export function offerToNew(state: ClusterState, rendering: Rendering, reports: Reports | undefined): OfferVersion[] {
  const { version } = rendering;
  return offerTo(reports, version)?.version === version ? [] : [offerOf(state, version, rendering, true)];
}

function offerOf(
  { cluster: { name, settings } }: ClusterState,
  boot: string,
  { version, files }: Rendering,
  isOptional: boolean,
): OfferVersion {
  const offer = { cluster: name, boot, version, files };
  return { kind: 'offer-version', service: settings.ServiceName, offer, isOptional };
}

function offerTo(reports: Reports | undefined, boot: string): Reports['offers'][number] | undefined {
  return reports?.offers.find((offer) => offer.boot === boot);
}

/**
 * The first replica's rejection, which withheld the version from the others; otherwise those of individual replicas.
 */
function rejectionsOf(
  version: string,
  first: string | null,
  running: readonly OwnedTask[],
  reports: Reports | undefined,
): string[] {
  if (first !== null) return [first];
  const rejections = running.map(({ id }) => reportOf(reports, id)?.refused);
  return [...new Set(rejections.flatMap((one) => (one?.version === version ? [one.message] : [])))];
}

function lateProblem(cluster: string, { id, nodeId }: OwnedTask, service: string): Problem {
  return {
    ...replicaLate(
      `Replica ${id} of ${service} on node ${nodeId ?? 'unknown'} does not apply the current configuration`,
      `The other replicas serve it. If the replica hangs, its health check stops it. If the problem persists, check docker service ps ${service}, or restart the replica.`,
    ),
    cluster,
  };
}

function rejectedProblem(cluster: string, message: string): Problem {
  return {
    ...versionRejected(message),
    cluster,
  };
}
