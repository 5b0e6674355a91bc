import type Docker from 'dockerode';
import { z } from 'zod';
import { parseAnswer } from './answer.ts';
import { call, callForList } from './docker-error.ts';

/** What a diagnosis needs beyond the observed swarm. Read when somebody asks, because no pass needs it. */

const Node = z.object({
  ID: z.string(),
  Description: z
    .object({ Hostname: z.string().optional(), Engine: z.object({ EngineVersion: z.string().optional() }).nullish() })
    .nullish(),
  ManagerStatus: z.object({ Reachability: z.string().optional() }).nullish(),
});
const StoredItem = z.object({
  ID: z.string(),
  CreatedAt: z.string(),
  Spec: z.object({ Name: z.string(), Labels: z.record(z.string(), z.string()).nullish() }),
});
const reference = <T extends string>(name: T) =>
  z.array(z.object({ [name]: z.string() } as Record<T, z.ZodString>)).nullish();
const Service = z.object({
  Spec: z.object({
    Labels: z.record(z.string(), z.string()).nullish(),
    TaskTemplate: z.object({
      ContainerSpec: z.object({ Secrets: reference('SecretID'), Configs: reference('ConfigID') }).nullish(),
    }),
  }),
});
const Task = z.object({
  NodeID: z.string().optional(),
  UpdatedAt: z.string(),
  DesiredState: z.string(),
  Status: z.object({ State: z.string(), Timestamp: z.string().optional() }),
});

export interface EngineFacts {
  readonly nodes: readonly {
    readonly id: string;
    readonly engine: string | undefined;
    readonly isReachable: boolean | undefined;
  }[];
  readonly objects: readonly {
    readonly kind: 'secret' | 'config';
    readonly id: string;
    readonly name: string;
    readonly createdAt: string;
    readonly labels: Readonly<Record<string, string>>;
  }[];
  /** IDs of secrets and configs that services mount. */
  readonly mounted: ReadonlySet<string>;
  readonly serviceLabels: readonly Readonly<Record<string, string>>[];
  /** When nodes reported the state of running tasks: by their own clock, and by that of the leading manager. */
  readonly reports: readonly { readonly nodeId: string; readonly ownMs: number; readonly leaderMs: number }[];
  /** The node of this engine. */
  readonly ownNodeId: string | undefined;
}

/** `serviceIds`: services whose tasks tell the clocks of their nodes. */
export async function listEngineFacts(docker: Docker, serviceIds: readonly string[]): Promise<EngineFacts> {
  const filters = JSON.stringify({ service: serviceIds, 'desired-state': ['running'] });
  const [nodes, services, secrets, configs, tasks, info] = await Promise.all([
    callForList('List nodes', () => docker.listNodes()),
    callForList('List services', () => docker.listServices()),
    callForList('List secrets', () => docker.listSecrets()),
    callForList('List configs', () => docker.listConfigs()),
    serviceIds.length === 0 ? [] : callForList('List tasks', () => docker.listTasks({ filters })),
    call('Read engine', () => docker.info()),
  ]);
  const specs = services.map((answer) => parseAnswer(Service, answer).Spec);
  const mounted = specs.flatMap(({ TaskTemplate: { ContainerSpec } }) => [
    ...(ContainerSpec?.Secrets ?? []).map(({ SecretID }) => SecretID),
    ...(ContainerSpec?.Configs ?? []).map(({ ConfigID }) => ConfigID),
  ]);
  return {
    nodes: nodes.map(toNode),
    objects: [...secrets.map(toObject('secret')), ...configs.map(toObject('config'))],
    mounted: new Set(mounted),
    serviceLabels: specs.map(({ Labels }) => Labels ?? {}),
    reports: tasks.flatMap(toReport),
    ownNodeId: z.object({ Swarm: z.object({ NodeID: z.string() }) }).safeParse(info).data?.Swarm.NodeID,
  };
}

function toNode(answer: unknown) {
  const { ID, Description, ManagerStatus } = parseAnswer(Node, answer);
  const reachability = ManagerStatus?.Reachability;
  return {
    id: ID,
    engine: Description?.Engine?.EngineVersion,
    isReachable: reachability === undefined ? undefined : reachability === 'reachable',
  };
}

function toObject(kind: 'secret' | 'config') {
  return (answer: unknown) => {
    const { ID, CreatedAt, Spec } = parseAnswer(StoredItem, answer);
    return { kind, id: ID, name: Spec.Name, createdAt: CreatedAt, labels: Spec.Labels ?? {} };
  };
}

function toReport(answer: unknown) {
  const { NodeID, UpdatedAt, Status } = parseAnswer(Task, answer);
  if (NodeID === undefined || Status.Timestamp === undefined || Status.State !== 'running') return [];
  return [{ nodeId: NodeID, ownMs: Date.parse(Status.Timestamp), leaderMs: Date.parse(UpdatedAt) }];
}
