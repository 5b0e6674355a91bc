import { memoize, memoizeLast, sameItems } from '../lib/memo.ts';
import { createAcmeFacts } from './acme/facts.ts';
import { issuerSecrets } from './acme/issuers.ts';
import { clusterFacts } from './cluster-facts.ts';
import { unknownCluster } from './cluster-problems.ts';
import { buildCluster, type ClusterState, type KeptForCluster, keepForCluster } from './cluster-state.ts';
import { type Claims, createClaimIndex } from './dns/aliases.ts';
import { type Doubts, NO_DOUBTS } from './dns/name-doubts.ts';
import { reachableTasks, type TasksByService, watchesNames } from './dns/task-addresses.ts';
import { createOwnership, type DecideOwnership } from './host-ownership.ts';
import { type AttachedNetworks, createAttachedNetworks } from './joined-networks.ts';
import { closeForMaintenance, type MaintenanceDecision, unknownTargets } from './maintenance.ts';
import type { ParsedService, ServiceContext } from './parse-service.ts';
import { type Problem, sortProblems } from './problem.ts';
import { parseAgain, type RememberedService } from './remembered-service.ts';
import type { Maintenance } from './route.ts';
import { type Material, unknownMaterial } from './secrets/material.ts';
import { createSecretUse } from './secrets/secret-use.ts';
import { controllerSecrets, type Settings } from './settings/settings.ts';
import type { Snapshot } from './snapshot.ts';

export interface DesiredState {
  readonly clusters: readonly ClusterState[];
  /** Services under maintenance by label. */
  readonly closing: readonly ({ readonly service: string } & Maintenance)[];
  readonly problems: readonly Problem[];
}

export type BuildDesiredState = (
  snapshot: Snapshot,
  settings: Settings,
  maintenance?: readonly MaintenanceDecision[],
  material?: Material,
  doubts?: Doubts,
) => DesiredState;

export const buildDesiredState: BuildDesiredState = (...seen) => createStateBuilder()(...seen);

/** Caches the last state: unchanged services are not parsed again and stay the same objects. */
export function createStateBuilder(): BuildDesiredState {
  const networksById = memoize((all: Snapshot['networks']) => new Map(all.map((network) => [network.id, network])));
  const nodesById = memoize((all: Snapshot['nodes']) => new Map(all.map((node) => [node.id, node])));
  const secretsByName = memoizeLast((all: Snapshot['secrets'], ...own: readonly string[]) => {
    const mountable = all.filter(({ name }) => !own.includes(name));
    return new Map(mountable.map((secret) => [secret.name, secret]));
  });
  const acmeFacts = createAcmeFacts();
  const attachedNetworks = createAttachedNetworks();
  const claimIndex = createClaimIndex();
  const remembered = new Map<string, RememberedService>();
  const kept = new Map<string, KeptForCluster>();
  const secretUseOf = createSecretUse();
  const decideOwnership = createOwnership();
  let last: { readonly seen: readonly unknown[]; readonly desired: DesiredState } | undefined;
  return (snapshot, settings, maintenance = NONE, material = unknownMaterial, doubts = NO_DOUBTS) => {
    const { services, networks, secrets, nodes, hostTasks, owned, tasks } = snapshot;
    const claiming = owned.filter(({ claims }) => claims !== undefined);
    const secretUse = secretUseOf(snapshot, settings);
    const attached = attachedNetworks(owned);
    const lists = [services, networks, secrets, nodes, tasks, ...hostTasks, ...claiming];
    const seen = [attached, settings, maintenance, material, doubts, secretUse, ...lists];
    if (last && sameItems(last.seen, seen)) return last.desired;
    const context: ServiceContext = {
      networks: networksById(networks),
      secrets: secretsByName(secrets, ...controllerSecrets(settings), ...issuerSecrets(settings.issuers)),
      nodes: nodesById(nodes),
      hostTasks: Map.groupBy(hostTasks, ({ serviceId }) => serviceId),
      nodeCount: Math.max(1, nodes.length),
      material,
      secretUse,
      acme: acmeFacts(settings.issuers, secrets),
      clusters: clusterFacts(settings),
    };
    const parsed = services.map((service) => {
      const before = remembered.get(service.id);
      const now = parseAgain(service, context, before);
      if (now !== before) remembered.set(service.id, now);
      return now.parsed;
    });
    if (remembered.size > services.length) forget(remembered, services);
    for (const { name } of settings.clusters) if (!kept.has(name)) kept.set(name, keepForCluster());
    const claims = claimIndex(services, claiming);
    last = {
      seen,
      desired: combine(parsed, {
        ...{ settings, maintenance, context, kept, decideOwnership, nodes, claims, doubts, attached },
        tasks: reachableTasks(tasks, context.nodes),
        services,
      }),
    };
    return last.desired;
  };
}

function forget(remembered: Map<string, RememberedService>, present: Snapshot['services']): void {
  const ids = new Set(present.map(({ id }) => id));
  for (const id of remembered.keys()) if (!ids.has(id)) remembered.delete(id);
}

const NONE: readonly MaintenanceDecision[] = [];
const NO_NETWORKS: ReadonlySet<string> = new Set();

interface Combination {
  readonly settings: Settings;
  readonly maintenance: readonly MaintenanceDecision[];
  readonly context: ServiceContext;
  readonly kept: ReadonlyMap<string, KeptForCluster>;
  readonly decideOwnership: DecideOwnership;
  readonly nodes: Snapshot['nodes'];
  readonly claims: Claims;
  readonly doubts: Doubts;
  readonly attached: ReturnType<AttachedNetworks>;
  readonly tasks: TasksByService | undefined;
  readonly services: Snapshot['services'];
}

function combine(
  parsed: readonly ParsedService[],
  {
    settings,
    maintenance,
    context,
    kept,
    decideOwnership,
    nodes,
    claims,
    doubts,
    attached,
    tasks,
    services,
  }: Combination,
): DesiredState {
  const names = new Map(settings.clusters.map(({ name, settings }) => [settings.ServiceCluster, name]));
  const all = parsed.flatMap(({ routes }) => routes);
  // Services in unknown clusters own no hosts.
  const published = all.filter(({ serviceCluster }) => names.has(serviceCluster));
  const { routed: owned, refused, notices } = decideOwnership(published, settings.hosts, nodes);
  const lost = published.length < all.length ? all.filter(({ serviceCluster }) => !names.has(serviceCluster)) : [];
  const routed = lost.length === 0 ? owned : [...owned, ...lost];
  const byCluster = Map.groupBy(closeForMaintenance(routed, maintenance), ({ serviceCluster }) => serviceCluster);
  const clusters = settings.clusters.map((cluster) => {
    const { ServiceCluster } = cluster.settings;
    const own = refused.filter(({ serviceCluster }) => serviceCluster === ServiceCluster);
    const following = {
      attached: attached.get(cluster.name) ?? NO_NETWORKS,
      ...{ claims, tasks, services, doubts: watchesNames(cluster) ? doubts.get(cluster.name) : undefined },
    };
    const keeping = kept.get(cluster.name)!;
    return buildCluster(cluster, byCluster.get(ServiceCluster) ?? [], own, context, keeping, following);
  });
  const problems = [
    ...parsed.flatMap((service) => service.problems),
    ...unknownTargets(routed, maintenance),
    ...refused.map(({ problem, serviceCluster }) => ({ ...problem, cluster: names.get(serviceCluster)! })),
    ...notices,
    ...clusters.flatMap((cluster) => cluster.problems),
    ...[...Map.groupBy(lost, ({ serviceCluster }) => serviceCluster)].flatMap(([name, routed]) =>
      unknownCluster(name, routed, new Set(names.keys())),
    ),
  ];
  const closing = routed.flatMap(({ route: { service, maintenance } }) =>
    maintenance === undefined ? [] : [{ service: service.name, ...maintenance }],
  );
  return { clusters: clusters.map(({ state }) => state), closing, problems: sortProblems(problems) };
}
