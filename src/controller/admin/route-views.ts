import { z } from 'zod';
import { type RouteAnswer, type RouteFacts, routeAnswer, routeAnswerKinds } from '../../model/backends/route-answer.ts';
import type { ClusterState } from '../../model/cluster-state.ts';
import { splitName } from '../../model/dns/name-doubts.ts';
import { writtenMatch } from '../../model/match.ts';
import type { Problem } from '../../model/problem.ts';
import type { HostTls, Location } from '../../model/route-table/table.ts';
import type { Snapshot } from '../../model/snapshot.ts';
import type { ClusterOutcome } from '../reconcile/reconcile-cluster.ts';
import type { Status } from '../reconcile/status.ts';

const routeAnswerSchema = z
  .object({
    kind: z.enum(routeAnswerKinds),
    text: z.string().describe('What the route answers and why, in plain words.'),
    problemOf: z.string().exactOptional().describe('Service whose problem explains it. Absent if no problem does.'),
  })
  .readonly();

export const routeSchema = z
  .object({
    cluster: z.string(),
    host: z.string().describe('`*` is the default for hosts that no other route matches.'),
    hostKind: z.enum(['exact', 'wildcard', 'regex', 'default']),
    path: z.string().describe('Path prefix; `/` matches every path.'),
    match: z.string().exactOptional().describe('Conditions that requests fulfill. Absent: all requests.'),
    weight: z.number().exactOptional().describe('Share of the requests. Absent: all that match.'),
    rewrite: z.boolean(),
    services: z.array(z.string()).readonly().describe('Services that own the route, the oldest first.'),
    available: z.boolean().describe('If false, the route answers 503.'),
    maintenance: z.boolean().describe('Under maintenance: answers 503 to all clients except those on the allow list.'),
    answer: routeAnswerSchema,
  })
  .readonly();
export type RouteView = z.infer<typeof routeSchema>;

/** The routes of all clusters. A claim that an older service shadows is a route of its own, which never answers. */
export function toRouteViews(status: Status): RouteView[] {
  const { desired, snapshot, problems, backends, outcomes } = status;
  const replicas = new Map(
    snapshot.services.map(({ name, mode }) => [name, mode.kind === 'replicated' ? mode.replicas : undefined]),
  );
  const errors = errorsByService(problems, backends);
  return desired.clusters.flatMap((state) => {
    const outcome = outcomes.find(({ name }) => name === state.cluster.name);
    const facts = { replicas, errors, backends, unjoined: unjoinedUpstreams(state, outcome, snapshot) };
    return [...ofTable(state, facts), ...shadowed(state)];
  });
}

/** Without those of tasks, which close no route. */
function errorsByService(problems: readonly Problem[], backends: Status['backends']): Map<string, Problem[]> {
  const errors = problems.filter(({ severity }) => severity === 'error');
  const owned = errors.flatMap((problem) =>
    [...new Set([problem.service, ...(problem.affects ?? []).map(({ service }) => service)])].flatMap((service) =>
      service === undefined || backends.get(service)?.problem === problem ? [] : [{ service, problem }],
    ),
  );
  const byService = Map.groupBy(owned, ({ service }) => service);
  return new Map([...byService].map(([service, all]) => [service, all.map(({ problem }) => problem)]));
}

function ofTable({ cluster, table }: ClusterState, facts: RouteFacts): RouteView[] {
  const view = (host: string, hostKind: RouteView['hostKind'], tls: HostTls) => (location: Location) => ({
    cluster: cluster.name,
    host,
    hostKind,
    path: location.path || '/',
    ...(location.match && { match: writtenMatch(location.match) }),
    ...(location.weight !== undefined && { weight: location.weight }),
    rewrite: location.options.rewrite,
    services: location.services,
    available: location.upstream !== undefined,
    maintenance: location.maintenance !== undefined,
    answer: toAnswer(routeAnswer(hostKind === 'regex' ? `~${host}` : host, location, tls, facts)),
  });
  return [
    ...table.servers.flatMap(({ host, tls, locations }) => locations.map(view(host.name, host.kind, tls))),
    ...table.fallback.map(view('*', 'default', table.fallbackTls)),
  ];
}

function toAnswer({ problemOf, ...answer }: RouteAnswer): RouteView['answer'] {
  return problemOf === undefined ? answer : { ...answer, problemOf };
}

function shadowed({ cluster, rejectedClaims }: ClusterState): RouteView[] {
  return rejectedClaims.map(({ service, host, path, problem }) => ({
    cluster: cluster.name,
    host: host?.name ?? '*',
    hostKind: host?.kind ?? 'default',
    path: path || '/',
    rewrite: false,
    services: [service],
    available: false,
    maintenance: false,
    answer: { kind: 'shadowed', text: `not routed: ${problem.reason}`, problemOf: service },
  }));
}

/** Upstreams on networks that the running proxies have not joined, with the network's name. Empty except during a roll-out. */
function unjoinedUpstreams(
  { networkIds, table }: ClusterState,
  outcome: ClusterOutcome | undefined,
  { networks }: Snapshot,
): ReadonlyMap<string, string> {
  const running = (outcome?.tasks ?? []).filter(
    ({ desiredState, state, addresses }) =>
      desiredState === 'running' && state === 'running' && Object.keys(addresses).length > 0,
  );
  const isJoined = (id: string) => running.some(({ addresses }) => addresses[id] !== undefined);
  const missing = running.length === 0 ? [] : networkIds.filter((id) => !isJoined(id));
  if (missing.length === 0) return NONE;
  const names = new Set(networks.filter(({ id }) => missing.includes(id)).map(({ name }) => name));
  return new Map(
    [...table.upstreams, ...table.passthroughs].flatMap(({ name, peers }) => {
      const network = splitName(peers[0]?.address ?? '')?.network ?? '';
      return names.has(network) ? [[name, network] as const] : [];
    }),
  );
}

const NONE: ReadonlyMap<string, string> = new Map();
