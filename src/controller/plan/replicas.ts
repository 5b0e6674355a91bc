import { versionLabel } from '../../model/names.ts';
import type { OwnedTask, StoredObject } from '../../model/snapshot.ts';
import type { ReplicaReport, Reports } from '../../model/version.ts';

export interface Replica extends OwnedTask {
  /** The version that nginx serves according to the agent; without an agent, the one that the task was started for. */
  readonly version: string | undefined;
}

export function toReplicas(
  tasks: readonly OwnedTask[],
  reports: Reports | undefined,
  configs: readonly StoredObject[],
): Replica[] {
  const versions = new Map(configs.map(({ id, labels }) => [id, labels[versionLabel]]));
  const startedFor = ({ configIds }: OwnedTask) => configIds.flatMap((id) => versions.get(id) ?? [])[0];
  return tasks.map((task) => ({ ...task, version: reportOf(reports, task.id)?.serving ?? startedFor(task) }));
}

/** Swarm keeps a roll-out's older tasks until the new ones are healthy: they count while they run. */
export function isUp({ state }: OwnedTask): boolean {
  return state === 'running';
}

/** Reports about tasks that Swarm knows. An agent's identity could be used to report for other tasks. */
export function reportsAbout(tasks: readonly OwnedTask[], reports: Reports | undefined): Reports | undefined {
  const ids = new Set(tasks.map(({ id }) => id));
  return reports && { ...reports, replicas: reports.replicas.filter(({ task }) => ids.has(task)) };
}

export function reportOf(reports: Reports | undefined, task: string): ReplicaReport | undefined {
  return reports?.replicas.find((report) => report.task === task);
}

/** The version that all replicas serve according to their agents; undefined if they differ or have no agents. */
export function versionInPlace(tasks: readonly OwnedTask[], reports: Reports | undefined): string | undefined {
  const versions = new Set(runningTasks(tasks).map(({ id }) => reportOf(reports, id)?.serving));
  const [version] = versions;
  return versions.size === 1 ? (version ?? undefined) : undefined;
}

export function runningTasks(tasks: readonly OwnedTask[]): OwnedTask[] {
  return tasks.filter(({ desiredState, state }) => desiredState === 'running' && state === 'running');
}
