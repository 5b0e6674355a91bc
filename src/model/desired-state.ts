import { memoize, memoizeLast, sameItems } from '../lib/memo.ts';
import { createSorter, type Sorter } from '../lib/sorter.ts';
import { type Claims, createClaimIndex, judgeNames, withoutName } from './aliases.ts';
import { createBudget, type KeepWithin } from './budget.ts';
import { clusterFacts, hidesAddresses } from './cluster-facts.ts';
import type { Host } from './host.ts';
import { createOwnership, type DecideOwnership, type RefusedClaim } from './host-ownership.ts';
import { closeForMaintenance, type MaintenanceDecision, unknownTargets } from './maintenance.ts';
import {
  isAddress,
  isMaterial,
  judgeServer,
  type Material,
  materialOf,
  missingSecret,
  namesOf,
  uncoveredHosts,
  unknownMaterial,
} from './material.ts';
import { type ClusterDoubts, type Doubts, NO_DOUBTS, NOTHING_WATCHED, type WatchedNames } from './name-doubts.ts';
import { controlNetwork, metricsPort } from './names.ts';
import type { ParsedService, RoutedService, ServiceContext } from './parse-service.ts';
import { type Problem, shownValue, sortProblems } from './problem.ts';
import { withoutRedirectLoops } from './redirect-loops.ts';
import { isRelayed, upperCaseNetwork, withoutNameRelay } from './relayed-names.ts';
import { parseAgain, type RememberedService } from './remembered-service.ts';
import {
  compareOwners,
  compareRoutes,
  compareText,
  labelName,
  type Maintenance,
  type Route,
  routeNames,
} from './route.ts';
import { createSecretUse, judgeUse } from './secret-use.ts';
import { type Cluster, controllerSecrets, type Settings } from './settings.ts';
import type { Snapshot, StoredObject, SwarmNetwork } from './snapshot.ts';
import {
  doubtProblems,
  ignoredAddresses,
  isDoubted,
  reachableTasks,
  type TasksByService,
  usesAddresses,
  watchedNames,
  watchesNames,
  withAddresses,
} from './task-addresses.ts';
import { zoneKbOf } from './usage.ts';

/** The desired state of a service cluster: a pure function of the snapshot and the administrators' decisions. */
export interface ClusterState {
  readonly cluster: Cluster;
  /** Sorted, so that equal states have equal bytes. */
  readonly routes: readonly Route[];
  /** Hosts that services claim without permission. */
  readonly refusedClaims: readonly RefusedClaim[];
  /** Networks that the proxies must join, sorted. */
  readonly networkIds: readonly string[];
  /** Secrets that the proxies must have, sorted by name. */
  readonly secrets: readonly Pick<StoredObject, 'id' | 'name'>[];
  /** Secrets that contain no TLS material according to the proxies, sorted. */
  readonly foreignSecretIds: readonly string[];
  /** Secret with the default certificate, for TLS hosts without their own; '' if there is none or it is invalid. */
  readonly defaultCertificate: string;
  /** Hosts that it covers; undefined if they are not known. */
  readonly defaultCertificateNames: readonly string[] | undefined;
  /** Secret with the token for the proxies' metrics; undefined if metrics are disabled. */
  readonly metricsSecret: Pick<StoredObject, 'id' | 'name'> | undefined;
  /** The names that the agents check in Docker's DNS. */
  readonly watch: WatchedNames;
  /** Size of the memory that all upstreams share. */
  readonly zoneKb: number;
}

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
    const lists = [services, networks, secrets, nodes, tasks, ...hostTasks, ...claiming];
    const seen = [settings, maintenance, material, doubts, secretUse, ...lists];
    if (last && sameItems(last.seen, seen)) return last.desired;
    const context: ServiceContext = {
      networks: networksById(networks),
      secrets: secretsByName(secrets, ...controllerSecrets(settings)),
      nodes: nodesById(nodes),
      hostTasks: Map.groupBy(hostTasks, ({ serviceId }) => serviceId),
      nodeCount: Math.max(1, nodes.length),
      material,
      secretUse,
      clusters: clusterFacts(settings),
    };
    const parsed = services.map((service) => {
      const before = remembered.get(service.id);
      const now = parseAgain(service, context, before);
      if (now !== before) remembered.set(service.id, now);
      return now.parsed;
    });
    if (remembered.size > services.length) forget(remembered, services);
    for (const { name } of settings.clusters)
      if (!kept.has(name)) kept.set(name, { sort: createSorter(compareRoutes), keepWithin: createBudget() });
    const claims = claimIndex(services, claiming);
    last = {
      seen,
      desired: combine(parsed, {
        ...{ settings, maintenance, context, kept, decideOwnership, nodes, claims, doubts },
        tasks: reachableTasks(tasks, context.nodes),
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

/** Cached for a cluster between states. */
interface KeptForCluster {
  readonly sort: Sorter<Route>;
  readonly keepWithin: KeepWithin;
}

interface Combination {
  readonly settings: Settings;
  readonly maintenance: readonly MaintenanceDecision[];
  readonly context: ServiceContext;
  readonly kept: ReadonlyMap<string, KeptForCluster>;
  readonly decideOwnership: DecideOwnership;
  readonly nodes: Snapshot['nodes'];
  readonly claims: Claims;
  readonly doubts: Doubts;
  readonly tasks: TasksByService | undefined;
}

function combine(
  parsed: readonly ParsedService[],
  { settings, maintenance, context, kept, decideOwnership, nodes, claims, doubts, tasks }: Combination,
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
    const following = { claims, tasks, doubts: watchesNames(cluster) ? doubts.get(cluster.name) : undefined };
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

/** How tasks are followed, and which names cannot be used. */
interface Following {
  readonly claims: Claims;
  readonly doubts: ClusterDoubts | undefined;
  readonly tasks: TasksByService | undefined;
}

function buildCluster(
  cluster: Cluster,
  claiming: readonly RoutedService[],
  refusedClaims: readonly RefusedClaim[],
  surroundings: ServiceContext,
  { sort, keepWithin }: KeptForCluster,
  { claims, doubts, tasks }: Following,
) {
  const { routed: published, problems: overBudget } = keepWithin(claiming, cluster.name);
  const routed = usesAddresses(cluster) ? published.map((service) => withAddresses(service, tasks)) : published;
  const context = {
    ...surroundings,
    material: materialOf(cluster.settings.ServiceCluster, surroundings.material),
  };
  const { networks, secrets } = context;
  const whitelist = cluster.settings.Networks;
  const listed = (id: string | undefined) =>
    id === undefined || whitelist === null || whitelist.includes(networks.get(id)?.name ?? '');
  const remedy = withoutNameRelay(cluster);
  const outside = routed.filter(({ networkId }) => !listed(networkId));
  const unresolved = routed.filter(
    (service) => listed(service.networkId) && remedy !== undefined && isRelayed(service),
  );
  const reachable = difference(routed, [...outside, ...unresolved]);
  const alwaysJoined = networksJoinedAnyway(cluster, networks);
  const names = judgeNames(cluster, reachable, { networks, alwaysJoined, claims });
  const inside = reachable
    .filter((service) => !names.closed.has(service))
    .map((service) => {
      if (isDoubted(service, doubts)) return withAddresses(service, tasks);
      return names.victims.has(service) ? withoutName(service) : service;
    });
  const named = reachable.filter((service) => !names.closed.has(service) && !names.victims.has(service));
  const closed = [...outside, ...unresolved, ...names.closed];
  const { PublicPort, PublishedPort, PublicSSLPort, PublishedSSLPort } = cluster.settings;
  const { routes, problems: loops } = withoutRedirectLoops(
    [...inside.map(({ route }) => route), ...closed.map(({ route }) => unavailable(route))],
    { http: PublicPort ?? PublishedPort, https: PublicSSLPort ?? PublishedSSLPort },
  );
  const joined =
    whitelist === null ? inside.flatMap(({ networkId }) => networkId ?? []) : whitelisted(whitelist, networks);
  const fallback = judgeDefaultCertificate(cluster, context);
  const metrics = judgeMetricsSecret(cluster, secrets);
  const state: ClusterState = {
    cluster,
    routes: sort(routes),
    refusedClaims,
    networkIds: [...new Set(joined)].toSorted(compareText),
    secrets: attachedSecrets([...routed.flatMap((service) => service.secrets), fallback.secret], context),
    foreignSecretIds: foreignSecrets(context),
    defaultCertificate: fallback.isGood ? fallback.secret : '',
    defaultCertificateNames: namesOf(fallback.secret, context.material),
    metricsSecret: metrics.secret,
    watch: watchesNames(cluster) ? watchedNames(named, doubts, networks) : NOTHING_WATCHED,
    zoneKb: zoneSize(inside, cluster.nginx.UpstreamZoneSize),
  };
  const problems = [
    ...overBudget,
    ...outside.map(({ route, networkId }) => outsideWhitelist(route, networks.get(networkId!)?.name ?? '', cluster)),
    ...unresolved.map((service) => upperCaseNetwork(service, cluster.name, networks, remedy ?? '')),
    ...names.problems,
    ...doubtProblems(named, doubts, cluster.name, networks),
    ...ignoredAddresses(cluster),
    ...loops.map((problem) => ({ ...problem, cluster: cluster.name })),
    ...missingNetworks(cluster, networks),
    ...hiddenAddresses(routes, cluster),
    ...addressesWithoutCertificate(routes, cluster, state.defaultCertificate, context.material),
    ...fallback.problems,
    ...metrics.problems,
  ];
  return { state, problems };
}

function difference<T>(all: readonly T[], others: readonly T[]): T[] {
  const left = new Set(others);
  return all.filter((one) => !left.has(one));
}

/** Networks that the proxies join regardless of the routes. */
function networksJoinedAnyway({ settings }: Cluster, networks: ReadonlyMap<string, SwarmNetwork>): string[] {
  const names = [...(settings.Networks ?? []), ...(settings.HitlessServiceUpdate ? [controlNetwork] : [])];
  return whitelisted(names, networks);
}

/** Joined as soon as the network exists. */
function missingNetworks({ name, settings }: Cluster, networks: ReadonlyMap<string, SwarmNetwork>): Problem[] {
  const present = new Set([...networks.values()].map((network) => network.name));
  const label = `Extensions.${name}.Networks`;
  const remedy = (network: string) => {
    const similar = [...present].find((other) => other.toLowerCase() === network.toLowerCase());
    return similar
      ? `Did you mean ${similar}?`
      : `Create it: docker network create --driver overlay ${shownValue(network)}`;
  };
  return (settings.Networks ?? [])
    .filter((network) => !present.has(network))
    .map((network) => ({
      severity: 'warning',
      cluster: name,
      label,
      value: shownValue(network),
      reason: `network ${shownValue(network)} does not exist`,
      remedy: remedy(network),
      affects: [{ label, routes: [] }],
    }));
}

/** Allow lists, if the proxies see only addresses of the routing mesh. */
function hiddenAddresses(routes: readonly Route[], cluster: Cluster): Problem[] {
  const { name } = cluster;
  if (!hidesAddresses(cluster)) return [];
  return routes
    .filter(({ maintenance }) => (maintenance?.allow.length ?? 0) > 0)
    .map((route) =>
      sharedProblem(route, name, {
        severity: 'warning',
        label: labelName('maintenance_allow', route.labels),
        reason: `the ingress mesh hides client addresses from the proxies of cluster ${name}, so allow lists have no effect`,
        remedy: `Set Extensions.${name}.PublishMode = "host", or ProxyProtocolFrom or TrustedProxies if a balancer sends the addresses.`,
      }),
    );
}

/**
 * A client that connects to an address sends no host name (SNI), so nginx presents the certificate of the default server. Nothing is reported if
 * that one is known to cover the address.
 */
function addressesWithoutCertificate(
  routes: readonly Route[],
  { name }: Cluster,
  defaultCertificate: string,
  material: Material,
): Problem[] {
  const presented = presentedByDefault(routes) || defaultCertificate;
  const isCovered = (host: Host) =>
    presented !== '' && material.facts.has(presented) && uncoveredHosts(presented, [host], material).length === 0;
  return routes
    .filter(({ tls }) => tls.kind === 'terminated')
    .map((route) => ({
      ...route,
      isDefault: false,
      hosts: route.hosts.filter((host) => isAddress(host) && !isCovered(host)),
    }))
    .filter(({ hosts }) => hosts.length > 0)
    .map((route) =>
      sharedProblem(route, name, {
        severity: 'notice',
        label: labelName('hosts', route.labels),
        reason: `clients send no host name (SNI) for IP addresses, so the proxies of cluster ${name} present the default certificate to them`,
        remedy: `Set Extensions.${name}.DefaultCertificate to a secret with a certificate for the address, or set default_backend on the service.`,
      }),
    );
}

/** The certificate of the default backend; the oldest service decides. */
function presentedByDefault(routes: readonly Route[]): string {
  const [oldest] = routes
    .filter(({ isDefault, tls }) => isDefault && (tls.kind === 'terminated' || tls.kind === 'passthrough'))
    .toSorted((a, b) => compareOwners(a.service, b.service));
  return oldest?.tls.kind === 'terminated' ? oldest.tls.certificate : '';
}

function sharedProblem(
  route: Route,
  cluster: string | undefined,
  { severity, ...problem }: Omit<Problem, 'service' | 'cluster' | 'affects'> & { readonly label: string },
): Problem {
  const { name: service } = route.service;
  const affects = [{ service, label: problem.label, routes: routeNames(route) }];
  return { severity, service, ...(cluster === undefined ? {} : { cluster }), ...problem, affects };
}

function judgeDefaultCertificate({ name, settings }: Cluster, { secrets, material, secretUse }: ServiceContext) {
  const secret = settings.DefaultCertificate;
  const label = `Extensions.${name}.DefaultCertificate`;
  const toProblem = ({ severity, reason, remedy }: Pick<Problem, 'severity' | 'reason' | 'remedy'>): Problem => ({
    severity,
    cluster: name,
    label,
    value: secret,
    reason,
    remedy,
    affects: [{ label, routes: [] }],
  });
  if (secret === '') return { secret, isGood: false, problems: [] };
  if (!secrets.has(secret)) return { secret, isGood: false, problems: [toProblem(missingSecret(secret))] };
  const use = judgeUse(secrets.get(secret)!, secretUse);
  const verdicts = [...(use ? [use] : []), ...judgeServer(secret, secret, material)];
  return { secret, isGood: verdicts.every(({ severity }) => severity !== 'error'), problems: verdicts.map(toProblem) };
}

/** An invalid secret does not affect routes. */
function judgeMetricsSecret({ name, settings }: Cluster, secrets: ReadonlyMap<string, StoredObject>) {
  const value = settings.MetricsSecret;
  if (value === '') return { secret: undefined, problems: [] };
  const found = secrets.get(value);
  const obstacle = metricsObstacle(settings, found !== undefined);
  if (obstacle === undefined) return { secret: found && { id: found.id, name: found.name }, problems: [] };
  const label = `Extensions.${name}.MetricsSecret`;
  const problem: Problem = { severity: 'warning', cluster: name, label, value, ...obstacle };
  return { secret: undefined, problems: [problem] };
}

function metricsObstacle(
  settings: Cluster['settings'],
  exists: boolean,
): Pick<Problem, 'reason' | 'remedy'> | undefined {
  const { HitlessServiceUpdate, TargetPort, TargetSSLPort, MetricsSecret } = settings;
  if (!HitlessServiceUpdate) {
    const reason = 'has no effect: without HitlessServiceUpdate, proxies have no agent that exposes metrics';
    return { reason, remedy: 'Set HitlessServiceUpdate = true, or remove this setting.' };
  }
  if ([TargetPort, TargetSSLPort].includes(metricsPort)) {
    const reason = `has no effect: metrics are exposed on port ${metricsPort}, which is also a target port`;
    return { reason, remedy: 'Choose another TargetPort and TargetSSLPort.' };
  }
  if (exists) return undefined;
  const remedy = `Create it: openssl rand -hex 32 | docker secret create ${MetricsSecret} -`;
  return { reason: 'is not a secret of this swarm', remedy };
}

/** Secrets without TLS material are not attached to the proxies again, whatever the routes require. */
function attachedSecrets(names: readonly string[], { secrets, material, secretUse }: ServiceContext) {
  return [...new Set(names)]
    .toSorted(compareText)
    .flatMap((name) => secrets.get(name) ?? [])
    .filter((secret) => isMaterial(secret.name, material) && judgeUse(secret, secretUse)?.severity !== 'error')
    .map(({ id, name }) => ({ id, name }));
}

function foreignSecrets({ secrets, material }: ServiceContext): string[] {
  const foreign = [...material.facts.keys()].filter((name) => !isMaterial(name, material));
  return foreign.flatMap((name) => secrets.get(name)?.id ?? []).toSorted(compareText);
}

function whitelisted(names: readonly string[], networks: ReadonlyMap<string, SwarmNetwork>): string[] {
  return [...networks.values()].filter(({ name }) => names.includes(name)).map(({ id }) => id);
}

const unavailable = memoize((route: Route): Route => ({ ...route, backend: { kind: 'unavailable' } }));

/** In powers of two, so that scaling a service does not change the configuration. */
const LEAST_ZONE_KB = 512;

function zoneSize(routed: readonly RoutedService[], leastKb: number): number {
  const needed = routed.reduce((sum, { peerCount }) => sum + zoneKbOf(peerCount), 128);
  return 2 ** Math.ceil(Math.log2(Math.max(LEAST_ZONE_KB, leastKb, needed)));
}

function outsideWhitelist(route: Route, network: string, { name }: Cluster): Problem {
  return sharedProblem(route, name, {
    severity: 'error',
    label: labelName('network', route.labels),
    reason: `network ${network} is not in Extensions.${name}.Networks, so the proxies do not join it`,
    remedy: `Add it to Extensions.${name}.Networks, or attach the service to one of the networks there.`,
  });
}

function unknownCluster(name: string, routed: readonly RoutedService[], known: ReadonlySet<string>): Problem[] {
  const names = [...known]
    .map((cluster) => cluster || 'the default cluster')
    .toSorted()
    .join(', ');
  const reason = name === '' ? 'the default service cluster does not exist' : `service cluster ${name} does not exist`;
  return routed.map(({ route }) =>
    sharedProblem(route, undefined, {
      severity: 'error',
      label: labelName('service_cluster', route.labels),
      value: name,
      reason,
      remedy: `Name one of: ${names}.`,
    }),
  );
}
