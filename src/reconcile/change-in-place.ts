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

/** A replica that is up for so long and whose agent was never heard of has none: its image is not ours. */
const AGENT_PATIENCE_MS = 15_000;

/**
 * Offers the version to the agents beside nginx, whose tasks were started for the version `boot`. Undefined where that does not do: no replica
 * is up, or replicas have no agent.
 */
export async function changeInPlace(
  { cluster: { name, settings } }: ClusterState,
  { service, tasks }: CurrentProxy,
  boot: string,
  rendering: Rendering,
  { renderer, now }: ClusterOptions,
  signal: AbortSignal,
): Promise<RolledOut | undefined> {
  const running = runningTasks(tasks);
  if (running.length === 0) return undefined;
  const heard = renderer.replicas(settings.ServiceName);
  const silent = running.filter(({ id }) => reportOf(heard, id) === undefined);
  if (silent.some(({ createdAt }) => now() - Date.parse(createdAt) > AGENT_PATIENCE_MS)) return undefined;
  if (silent.length > 0) return { rolling: true, problems: [] };

  const { version, files } = rendering;
  const offered = offerTo(heard, boot);
  if (offered?.version !== version) {
    await renderer.offer(settings.ServiceName, { cluster: name, boot, version, files }, signal);
    return { rolling: true, problems: [] };
  }
  const refusals = refusalsOf(version, offered.refused, running, heard);
  const reached = running.every(({ id }) => reportOf(heard, id)?.serving === version);
  // Swarm may still be replacing tasks, for an update before this change.
  const replacing = service.rollout.kind === 'updating' || service.rollout.kind === 'rolling-back';
  return {
    rolling: replacing || (!reached && refusals.length === 0),
    problems: refusals.map((message) => refused(name, message)),
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

function refused(cluster: string, message: string): Problem {
  return {
    severity: 'error',
    cluster,
    reason: `A proxy refuses the new configuration: ${message}`,
    remedy: 'The last good configuration is served. The next change is tried again.',
  };
}
