import { z } from 'zod';
import { type Administration, changeSchema } from '../../model/access/administration.ts';
import { failing } from '../../model/backends/connections.ts';
import { isTarget } from '../../model/maintenance.ts';
import { problemKey } from '../../model/problem.ts';
import type { Snapshot } from '../../model/snapshot.ts';
import type { TimedChange } from '../observe/timeline.ts';
import type { Replica } from '../plan/replicas.ts';
import type { ClusterOutcome } from '../reconcile/reconcile-cluster.ts';
import type { Status } from '../reconcile/status.ts';
import { routeSchema, toRouteViews } from './route-views.ts';
import { streamSchema, toStreamViews } from './stream-views.ts';

export type { RouteView } from './route-views.ts';

const problemSchema = z
  .object({
    id: z
      .string()
      .exactOptional()
      .describe('Kind of problem: a section of docs/problems.md. Absent from controllers of earlier releases.'),
    severity: z.enum(['error', 'warning', 'notice']),
    service: z
      .string()
      .exactOptional()
      .describe('Absent if the problem does not belong to one service; `affects` lists several.'),
    cluster: z.string().exactOptional(),
    label: z.string().exactOptional(),
    value: z.string().exactOptional(),
    place: z
      .object({ file: z.string(), line: z.int(), column: z.int() })
      .exactOptional()
      .describe('Location in the settings file.'),
    reason: z.string(),
    remedy: z.string(),
    since: z
      .string()
      .exactOptional()
      .describe(
        'When it appeared, RFC 3339; at the earliest, the start of the controller. Absent from controllers of earlier releases.',
      ),
    affects: z
      .array(
        z
          .object({
            service: z.string().exactOptional(),
            label: z.string(),
            routes: z.array(z.string()).readonly().describe('Host and path.'),
          })
          .readonly(),
      )
      .readonly()
      .exactOptional()
      .describe('Everything affected by one cause, such as all routes of an expiring certificate.'),
  })
  .readonly();

const replicaSchema = z
  .object({
    task: z.string(),
    node: z.string().nullable().describe('Name of the node.'),
    state: z.string(),
    version: z
      .string()
      .nullable()
      .describe('Version that nginx serves, reported by its agent; without a report, the version it was started with.'),
    error: z.string().nullable(),
  })
  .readonly();
export type ReplicaView = z.infer<typeof replicaSchema>;

const timedSchema = z
  .object({
    version: z.string(),
    seenAt: z.string().describe('When the controller detected the change, RFC 3339.'),
    renderedMs: z.int().describe('From then until it was rendered and tested.'),
    servedMs: z.int().nullable().describe('From then until all replicas served it; null before that.'),
  })
  .readonly();

const clusterSchema = z
  .object({
    name: z.string(),
    version: z.string().nullable().describe('Desired version of the proxies; null before the first.'),
    served: z.string().nullable().describe('Version last rolled out to them; differs while a roll-out is pending.'),
    rolling: z.boolean().describe('A roll-out is in progress.'),
    held: z.string().nullable().describe('Version that an administrator holds the cluster at.'),
    proxyService: z.string(),
    extensionService: z.string(),
    publishMode: z.enum(['ingress', 'host']),
    httpPort: z.int(),
    httpsPort: z.int(),
    replicas: z.array(replicaSchema).readonly(),
    history: z.array(timedSchema).readonly().describe('The last changes of the served version, the newest first.'),
  })
  .readonly();
export type ClusterView = z.infer<typeof clusterSchema>;

const serviceSchema = z
  .object({
    name: z.string(),
    tasks: z.int().nullable().describe('Desired number of tasks; null for a global service.'),
    desired: z.int().nullable().describe('The same, also for a global service; null while unknown.'),
    running: z.int().nullable().describe('Running tasks, without those that keep ending; null while unknown.'),
    unreachable: z.int().describe('Tasks to which the proxies cannot connect.'),
  })
  .readonly();
export type ServiceView = z.infer<typeof serviceSchema>;
const closedSchema = z
  .object({
    kind: z.enum(['host', 'service']),
    name: z.string().describe('As shown in the routes; `*` is all unknown hosts.'),
    allow: z.array(z.string()).readonly().describe('Client addresses and networks that are allowed.'),
    who: z.string().nullable().describe('Administrator who started it; null if set by a label of the service.'),
    since: z.string().nullable().describe('RFC 3339; null if set by a label of the service.'),
    reason: z.string().exactOptional(),
    until: z
      .string()
      .exactOptional()
      .describe('When it ends automatically, RFC 3339. Absent if an administrator ends it.'),
  })
  .readonly();
export type ClosedView = z.infer<typeof closedSchema>;

/** The complete answer of `GET /api/state`: one snapshot of routing and its health. */
export const stateSchema = z
  .object({
    observedAt: z.string().nullable().describe('When the last pass ended, RFC 3339; null before the first.'),
    error: z.string().nullable().describe('Error that stops the controller; null if there is none.'),
    enabled: z.boolean().describe('False if an administrator turned routing off: there are no extensions and proxies.'),
    clusters: z.array(clusterSchema).readonly(),
    routes: z.array(routeSchema).readonly(),
    streams: z.array(streamSchema).readonly().describe('TCP and UDP ports.'),
    services: z.array(serviceSchema).readonly().describe('Services that own routes.'),
    problems: z.array(problemSchema).readonly(),
    maintenance: z.array(closedSchema).readonly().describe('Hosts and services under maintenance.'),
    changes: z.array(changeSchema).readonly().describe('The last 50 changes by administrators, the newest first.'),
  })
  .readonly();
export type State = z.infer<typeof stateSchema>;

/** `GET /api/audit` lists all. */
const SHOWN_CHANGES = 50;

export function toState(status: Status | undefined, error: string | undefined, administration: Administration): State {
  const clusters = status?.desired.clusters ?? [];
  const routes = status === undefined ? [] : toRouteViews(status);
  const streams = status === undefined ? [] : toStreamViews(status);
  return {
    observedAt: status === undefined ? null : new Date(status.at).toISOString(),
    error: error ?? null,
    enabled: administration.enabled,
    clusters: clusters.map((state) => {
      const outcome = status?.outcomes.find(({ name }) => name === state.cluster.name);
      const replicas = toReplicaViews(outcome?.tasks ?? [], status?.snapshot);
      return toClusterView(state, outcome, replicas, administration.held[state.cluster.name]);
    }),
    routes,
    streams,
    services: toServiceViews(
      [...routes.flatMap(({ services }) => services), ...streams.map(({ service }) => service)],
      status,
    ),
    problems: status === undefined ? [] : toProblemViews(status),
    maintenance: [...administration.maintenance, ...closedByLabel(status?.desired.closing ?? [], administration)],
    changes: administration.changes.slice(0, SHOWN_CHANGES),
  };
}

function toProblemViews({ problems, since }: Status): State['problems'] {
  return problems.map((problem) => {
    const at = since.get(problemKey(problem));
    return at === undefined ? problem : { ...problem, since: new Date(at).toISOString() };
  });
}

/** Services under maintenance by label, except those whose maintenance an administrator controls. */
function closedByLabel(closing: Status['desired']['closing'], { maintenance }: Administration): ClosedView[] {
  return [...new Map(closing.map((one) => [one.service, one])).values()]
    .map(({ service, allow }) => ({ kind: 'service' as const, name: service, allow, who: null, since: null }))
    .filter((one) => !maintenance.some((decision) => isTarget(decision, one)));
}

function toClusterView(
  { cluster }: Status['desired']['clusters'][number],
  outcome: ClusterOutcome | undefined,
  replicas: readonly ReplicaView[],
  held: string | undefined,
): ClusterView {
  const { settings } = cluster;
  return {
    name: cluster.name,
    version: outcome?.version ?? null,
    served: outcome?.served ?? null,
    rolling: outcome?.rolling ?? false,
    held: held ?? null,
    proxyService: settings.ProxyServiceName,
    extensionService: settings.ServiceName,
    publishMode: settings.PublishMode,
    httpPort: settings.PublishedPort,
    httpsPort: settings.PublishedSSLPort,
    replicas,
    history: (outcome?.changes ?? []).map(toTimedView),
  };
}

function toReplicaViews(tasks: readonly Replica[], snapshot: Snapshot | undefined): ReplicaView[] {
  const names = new Map(snapshot?.nodes.map(({ id, name }) => [id, name]));
  return tasks
    .filter(({ desiredState }) => desiredState === 'running')
    .map(({ id, nodeId, state, version, error }) => ({
      task: id,
      node: nodeId === undefined ? null : (names.get(nodeId) ?? nodeId),
      state,
      version: version ?? null,
      error: error ?? null,
    }));
}

function toTimedView({ version, seenAt, renderedAt, servedAt }: TimedChange): z.infer<typeof timedSchema> {
  const at = (ms: number) => new Date(ms).toISOString();
  return {
    version,
    seenAt: at(seenAt),
    renderedMs: renderedAt - seenAt,
    servedMs: servedAt === undefined ? null : servedAt - seenAt,
  };
}

function toServiceViews(routed: readonly string[], status: Status | undefined): ServiceView[] {
  const owners = new Set(routed);
  const owning = (status?.snapshot.services ?? []).filter(({ name }) => owners.has(name));
  return owning.map(({ name, mode }) => {
    const { desired = null, running = null, faults } = status?.backends.get(name) ?? {};
    const tasks = mode.kind === 'replicated' ? mode.replicas : null;
    return { name, tasks, desired: tasks ?? desired, running, unreachable: faults === undefined ? 0 : failing(faults) };
  });
}
