import type { ClusterState } from '../../model/cluster-state.ts';
import type { Problem } from '../../model/problem.ts';
import type { OwnedService, OwnedTask } from '../../model/snapshot.ts';
import type { Rendering, ReplicaReport } from '../../model/version.ts';
import type { ClusterOptions } from './cluster-options.ts';
import type { Replicas } from './ports.ts';
import type { RolledOut } from './roll-out-service.ts';

/** The current proxy service of a cluster and its tasks. */
export interface CurrentProxy {
  readonly service: OwnedService;
  readonly tasks: readonly OwnedTask[];
}

/** If replicas and their extension have been up this long without a report from any agent, the replicas have none: their image is not ours. */
const AGENT_PATIENCE_MS = 15_000;
/** A replica that has not loaded a version after this time is reported. */
const LATE_MS = 10_000;

/**
 * Offers the version to the agents, whose tasks were started for the version `boot`. Returns undefined if that is impossible: no replica is up, or
 * the replicas have no agent.
 */
export async function changeInPlace(
  { cluster: { name, settings } }: ClusterState,
  { service, tasks }: CurrentProxy,
  boot: string,
  rendering: Rendering,
  { renderer, timeline, now }: ClusterOptions,
  signal: AbortSignal,
): Promise<RolledOut | undefined> {
  const running = runningTasks(tasks);
  if (running.length === 0) return undefined;
  const heard = heardFrom(tasks, renderer.replicas(settings.ServiceName));
  const heardOf = running.filter(({ id }) => reportOf(heard, id) !== undefined);
  // A hanging agent does not keep the others from receiving the version.
  if (heardOf.length === 0) {
    const since = heard?.since ?? now();
    const isOverdue = ({ createdAt }: OwnedTask) => now() - Math.max(Date.parse(createdAt), since) > AGENT_PATIENCE_MS;
    return running.some(isOverdue) ? undefined : { rolling: true, problems: [] };
  }

  const { version, files } = rendering;
  const offered = offerTo(heard, boot);
  if (offered?.version !== version) {
    await renderer.offer(settings.ServiceName, { cluster: name, boot, version, files }, signal);
    return { rolling: true, problems: [] };
  }
  const refusals = refusalsOf(version, offered.refused, running, heard);
  const behind = refusals.length > 0 ? [] : running.filter(({ id }) => reportOf(heard, id)?.serving !== version);
  // Swarm may still be replacing tasks for an earlier update.
  const replacing = service.rollout.kind === 'updating' || service.rollout.kind === 'rolling-back';
  const renderedAt = timeline.of(name).find((change) => change.version === version)?.renderedAt ?? now();
  const isLate = ({ createdAt }: OwnedTask) =>
    now() - Math.max(Date.parse(createdAt), renderedAt, heard?.since ?? 0) > LATE_MS;
  return {
    rolling: replacing || behind.length > 0,
    problems: [
      ...refusals.map((message) => refused(name, message)),
      ...(replacing ? [] : behind.filter(isLate)).map((task) => late(name, task, service.name)),
    ],
  };
}

/** Offers the version to the replicas of a roll-out that begins. They start with it anyway, but may wait for an offer if there is none. */
export async function offerQuietly(
  { cluster: { name, settings } }: ClusterState,
  boot: string,
  { version, files }: Rendering,
  { renderer }: ClusterOptions,
  signal: AbortSignal,
): Promise<void> {
  if (offerTo(renderer.replicas(settings.ServiceName), boot)?.version === version) return;
  const offer = { cluster: name, boot, version, files };
  await renderer.offer(settings.ServiceName, offer, signal).catch(() => undefined);
}

/** Reports about tasks that Swarm knows. An agent's identity could be used to report for other tasks. */
export function heardFrom(tasks: readonly OwnedTask[], heard: Replicas | undefined): Replicas | undefined {
  const known = new Set(tasks.map(({ id }) => id));
  return heard && { ...heard, replicas: heard.replicas.filter(({ task }) => known.has(task)) };
}

function offerTo(heard: Replicas | undefined, boot: string): Replicas['offers'][number] | undefined {
  return heard?.offers.find((offer) => offer.boot === boot);
}

/** The version that all replicas serve according to their agents; undefined if they differ or have no agents. */
export function versionInPlace(tasks: readonly OwnedTask[], heard: Replicas | undefined): string | undefined {
  const versions = new Set(runningTasks(tasks).map(({ id }) => reportOf(heard, id)?.serving));
  const [version] = versions;
  return versions.size === 1 ? (version ?? undefined) : undefined;
}

export function reportOf(heard: Replicas | undefined, task: string): ReplicaReport | undefined {
  return heard?.replicas.find((report) => report.task === task);
}

function runningTasks(tasks: readonly OwnedTask[]): OwnedTask[] {
  return tasks.filter(({ desiredState, state }) => desiredState === 'running' && state === 'running');
}

/**
 * The first replica's rejection, which withheld the version from the others; otherwise those of individual replicas.
 */
function refusalsOf(
  version: string,
  first: string | null,
  running: readonly OwnedTask[],
  heard: Replicas | undefined,
): string[] {
  if (first !== null) return [first];
  const reports = running.map(({ id }) => reportOf(heard, id)?.refused);
  return [...new Set(reports.flatMap((refusal) => (refusal?.version === version ? [refusal.message] : [])))];
}

function late(cluster: string, { id, nodeId }: OwnedTask, service: string): Problem {
  return {
    severity: 'error',
    cluster,
    reason: `Replica ${id} of ${service} on node ${nodeId ?? 'unknown'} does not apply the current configuration`,
    remedy: `The other replicas serve it. If the replica hangs, its health check stops it. If the problem persists, check docker service ps ${service}, or restart the replica.`,
  };
}

function refused(cluster: string, message: string): Problem {
  return {
    severity: 'error',
    cluster,
    reason: `A proxy rejected the new configuration: ${message}`,
    remedy: 'The proxies keep serving the last good configuration. The next change is tried again.',
  };
}
