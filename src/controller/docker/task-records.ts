import type Docker from 'dockerode';
import { z } from 'zod';
import { digest } from '../../lib/digest.ts';
import type { TaskRecord } from '../../model/backends/task.ts';
import type { TaskCounts } from '../../model/snapshot.ts';
import { ConflictError } from '../ports.ts';
import { parseAnswer } from './answer.ts';
import { callForList, isStatus } from './docker-error.ts';

const RecordedTask = z.object({
  ID: z.string(),
  CreatedAt: z.string(),
  ServiceID: z.string(),
  NodeID: z.string().optional(),
  Slot: z.number().optional(),
  DesiredState: z.string(),
  // Complete, because its digest tells specifications apart.
  Spec: z.looseObject({
    ContainerSpec: z
      .looseObject({ Healthcheck: z.looseObject({ Test: z.array(z.string()).nullish() }).nullish() })
      .nullish(),
    Resources: z.looseObject({ Limits: z.looseObject({ MemoryBytes: z.number().optional() }).nullish() }).nullish(),
  }),
  Status: z.object({
    State: z.string(),
    Timestamp: z.string().optional(),
    Err: z.string().optional(),
    ContainerStatus: z.object({ ExitCode: z.number().optional() }).nullish(),
  }),
});

/** All tasks of these services that Swarm remembers, also those that have ended. */
export async function listTaskRecords(docker: Docker, serviceIds: readonly string[]): Promise<TaskRecord[]> {
  const filters = JSON.stringify({ service: serviceIds });
  const tasks = await callForList('List tasks', () => docker.listTasks({ filters })).catch((error) => {
    throw isStatus(error, 404) ? new ConflictError('A service was removed', { cause: error }) : error;
  });
  return tasks.map(toTaskRecord);
}

export function toTaskRecord(answer: unknown): TaskRecord {
  const { Status, Spec, ...task } = parseAnswer(RecordedTask, answer);
  const createdAt = Date.parse(task.CreatedAt);
  return {
    id: task.ID,
    serviceId: task.ServiceID,
    place: task.Slot ? String(task.Slot) : task.NodeID || task.ID,
    nodeId: task.NodeID || undefined,
    state: Status.State,
    desiredState: task.DesiredState,
    error: Status.Err || undefined,
    exitCode: Status.ContainerStatus?.ExitCode,
    createdAt,
    since: Status.Timestamp === undefined ? createdAt : Date.parse(Status.Timestamp),
    spec: digest(JSON.stringify(Spec)),
    memoryLimitBytes: Spec.Resources?.Limits?.MemoryBytes ?? 0,
    hasHealthCheck: !['', 'NONE'].includes(Spec.ContainerSpec?.Healthcheck?.Test?.[0] ?? ''),
  };
}

const CountedService = z.object({
  ID: z.string(),
  ServiceStatus: z.object({ RunningTasks: z.number(), DesiredTasks: z.number() }).nullish(),
});

/** Swarm counts tasks while it lists services, which costs less than a list of all tasks. By service. */
export function countsIn(services: readonly unknown[]): ReadonlyMap<string, TaskCounts> {
  const counted = services.map((answer) => parseAnswer(CountedService, answer));
  return new Map(
    counted.flatMap(({ ID, ServiceStatus: status }) =>
      status ? [[ID, { running: status.RunningTasks, desired: status.DesiredTasks }] as const] : [],
    ),
  );
}
