import type { ClusterState } from '../model/desired-state.ts';
import type { Problem } from '../model/problem.ts';
import type { OwnedService, OwnedTask } from '../model/snapshot.ts';
import type { ClusterOptions } from './cluster-options.ts';
import type { Rendering, ReplicaReport, Replicas } from './ports.ts';
import type { RolledOut } from './roll-out-service.ts';

/** The proxy service of a cluster and its tasks, as they stand. */
export interface CurrentProxy {
  readonly service: OwnedService;
  readonly tasks: readonly OwnedTask[];
}

/** If replicas are up for so long, beside an extension that is there for so long, and no agent was ever heard of, they have none: their image is not ours. */
const AGENT_PATIENCE_MS = 15_000;
/** A replica that has not taken over a version for so long is named. */
const LATE_MS = 10_000;

/**
 * Offers the version to the agents beside nginx, whose tasks were started for the version `boot`. Undefined where that does not do: no replica
 * is up, or replicas have no agent.
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
  // One that hangs keeps the version from none of the others.
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
  // Swarm may still be replacing tasks, for an update before this change.
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

/** For replicas of a roll-out that begins. They have the version anyhow: without the offer they only start more slowly. */
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

/** What is heard of tasks that Swarm knows. Whoever has an agent's identity may tell of others. */
export function heardFrom(tasks: readonly OwnedTask[], heard: Replicas | undefined): Replicas | undefined {
  const known = new Set(tasks.map(({ id }) => id));
  return heard && { ...heard, replicas: heard.replicas.filter(({ task }) => known.has(task)) };
}

function offerTo(heard: Replicas | undefined, boot: string): Replicas['offers'][number] | undefined {
  return heard?.offers.find((offer) => offer.boot === boot);
}

/** The version that all replicas serve, as their agents say; undefined where they differ, or have no agents. */
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

/** The first replica's, which kept the version from the others; and those of replicas that differ from it. */
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
