import { memoize, sameItems } from '../lib/memo.ts';
import { createSorter, type Sorter } from '../lib/sorter.ts';
import { LABEL_PREFIX } from './labels.ts';
import { closeForMaintenance, type MaintenanceDecision, unknownTargets } from './maintenance.ts';
import { judgeServer, type Material, unknownMaterial } from './material.ts';
import { metricsPort } from './names.ts';
import type { ParsedService, RoutedService, ServiceContext } from './parse-service.ts';
import { type Problem, shownValue, sortProblems } from './problem.ts';
import { parseAgain, type RememberedService } from './remembered-service.ts';
import { compareRoutes, compareText, type Maintenance, type Route } from './route.ts';
import type { Cluster, Settings } from './settings.ts';
import type { Snapshot, StoredObject, SwarmNetwork } from './snapshot.ts';

/** What a service cluster should publish: a pure function of what was seen and what the administrator decided. */
export interface ClusterState {
  readonly cluster: Cluster;
  /** Sorted, so that equal states give equal bytes. */
  readonly routes: readonly Route[];
  /** Networks that the proxies must join, sorted. */
  readonly networkIds: readonly string[];
  /** Secrets that the proxies must have, sorted by name. */
  readonly secrets: readonly Pick<StoredObject, 'id' | 'name'>[];
  /** Secret with the certificate for TLS that has none of its own; '' where there is none, or a bad one. */
  readonly defaultCertificate: string;
  /** Secret with the token for the proxies' metrics; undefined where they tell none. */
  readonly metricsSecret: Pick<StoredObject, 'id' | 'name'> | undefined;
  /** Size of the memory that all upstreams share. */
  readonly zoneKb: number;
}

export interface DesiredState {
  readonly clusters: readonly ClusterState[];
  /** Services that ask by label to be closed for a while. */
  readonly closing: readonly ({ readonly service: string } & Maintenance)[];
  readonly problems: readonly Problem[];
}

export type BuildDesiredState = (
  snapshot: Snapshot,
  settings: Settings,
  maintenance?: readonly MaintenanceDecision[],
  material?: Material,
) => DesiredState;

export const buildDesiredState: BuildDesiredState = (...seen) => createStateBuilder()(...seen);

/** Remembers the last state: what has not changed since is not parsed again, and is the same object as before. */
export function createStateBuilder(): BuildDesiredState {
  const networksById = memoize((all: Snapshot['networks']) => new Map(all.map((network) => [network.id, network])));
  const nodesById = memoize((all: Snapshot['nodes']) => new Map(all.map((node) => [node.id, node])));
  const secretsByName = memoize((all: Snapshot['secrets']) => new Map(all.map((secret) => [secret.name, secret])));
  const remembered = new Map<string, RememberedService>();
  const sorters = new Map<string, Sorter<Route>>();
  let last: { readonly seen: readonly unknown[]; readonly desired: DesiredState } | undefined;
  return (snapshot, settings, maintenance = NONE, material = unknownMaterial) => {
    const { services, networks, secrets, nodes, hostTasks } = snapshot;
    const seen = [settings, maintenance, material, services, networks, secrets, nodes, ...hostTasks];
    if (last && sameItems(last.seen, seen)) return last.desired;
    const context: ServiceContext = {
      networks: networksById(networks),
      secrets: secretsByName(secrets),
      nodes: nodesById(nodes),
      hostTasks: Map.groupBy(hostTasks, ({ serviceId }) => serviceId),
      nodeCount: Math.max(1, nodes.length),
      material,
    };
    const parsed = services.map((service) => {
      const before = remembered.get(service.id);
      const now = parseAgain(service, context, before);
      if (now !== before) remembered.set(service.id, now);
      return now.parsed;
    });
    if (remembered.size > services.length) forget(remembered, services);
    for (const { name } of settings.clusters) if (!sorters.has(name)) sorters.set(name, createSorter(compareRoutes));
    last = { seen, desired: combine(parsed, { settings, maintenance, context, sorters }) };
    return last.desired;
  };
}

function forget(remembered: Map<string, RememberedService>, present: Snapshot['services']): void {
  const ids = new Set(present.map(({ id }) => id));
  for (const id of remembered.keys()) if (!ids.has(id)) remembered.delete(id);
}

const NONE: readonly MaintenanceDecision[] = [];

interface Combination {
  readonly settings: Settings;
  readonly maintenance: readonly MaintenanceDecision[];
  readonly context: ServiceContext;
  readonly sorters: ReadonlyMap<string, Sorter<Route>>;
}

function combine(
  parsed: readonly ParsedService[],
  { settings, maintenance, context, sorters }: Combination,
): DesiredState {
  const routed = parsed.flatMap(({ routes }) => routes);
  const byCluster = Map.groupBy(closeForMaintenance(routed, maintenance), ({ serviceCluster }) => serviceCluster);
  const known = new Set(settings.clusters.map(({ settings }) => settings.ServiceCluster));
  const clusters = settings.clusters.map((cluster) =>
    buildCluster(cluster, byCluster.get(cluster.settings.ServiceCluster) ?? [], context, sorters.get(cluster.name)!),
  );
  const problems = [
    ...parsed.flatMap((service) => service.problems),
    ...unknownTargets(routed, maintenance),
    ...clusters.flatMap((cluster) => cluster.problems),
    ...[...byCluster]
      .filter(([name]) => !known.has(name))
      .flatMap(([name, routed]) => unknownCluster(name, routed, known)),
  ];
  const closing = routed.flatMap(({ route: { service, maintenance } }) =>
    maintenance === undefined ? [] : [{ service: service.name, ...maintenance }],
  );
  return { clusters: clusters.map(({ state }) => state), closing, problems: sortProblems(problems) };
}

function buildCluster(
  cluster: Cluster,
  routed: readonly RoutedService[],
  context: ServiceContext,
  sort: Sorter<Route>,
) {
  const { networks, secrets } = context;
  const whitelist = cluster.settings.Networks;
  const listed = (id: string | undefined) =>
    id === undefined || whitelist === null || whitelist.includes(networks.get(id)?.name ?? '');
  const outside = routed.filter(({ networkId }) => !listed(networkId));
  const inside = routed.filter(({ networkId }) => listed(networkId));
  const routes = [...inside.map(({ route }) => route), ...outside.map(({ route }) => unavailable(route))];
  const joined =
    whitelist === null ? inside.flatMap(({ networkId }) => networkId ?? []) : whitelisted(whitelist, networks);
  const fallback = judgeDefaultCertificate(cluster, context);
  const metrics = judgeMetricsSecret(cluster, secrets);
  const state: ClusterState = {
    cluster,
    routes: sort(routes),
    networkIds: [...new Set(joined)].toSorted(compareText),
    secrets: attachedSecrets([...routed.flatMap((service) => service.secrets), fallback.secret], secrets),
    defaultCertificate: fallback.isGood ? fallback.secret : '',
    metricsSecret: metrics.secret,
    zoneKb: zoneSize(inside, cluster.nginx.UpstreamZoneSize),
  };
  const problems = [
    ...outside.map(({ route }) => outsideWhitelist(route, cluster)),
    ...missingNetworks(cluster, networks),
    ...hiddenAddresses(routes, cluster),
    ...fallback.problems,
    ...metrics.problems,
  ];
  return { state, problems };
}

/** Joined as soon as somebody creates it. */
function missingNetworks({ name, settings }: Cluster, networks: ReadonlyMap<string, SwarmNetwork>): Problem[] {
  const present = new Set([...networks.values()].map((network) => network.name));
  return (settings.Networks ?? [])
    .filter((network) => !present.has(network))
    .map((network) => ({
      severity: 'warning',
      cluster: name,
      label: `Extensions.${name}.Networks`,
      value: shownValue(network),
      reason: 'is not a network of the swarm',
      remedy: `Create it: docker network create --driver overlay ${shownValue(network)}`,
    }));
}

/** Who is let through by address, where all addresses are the mesh's. */
function hiddenAddresses(routes: readonly Route[], { name, settings }: Cluster): Problem[] {
  if (settings.PublishMode === 'host' || settings.ProxyProtocolFrom.length > 0) return [];
  return routes
    .filter(({ maintenance }) => (maintenance?.allow.length ?? 0) > 0)
    .map(({ service }) => ({
      severity: 'warning',
      service: service.name,
      cluster: name,
      label: `${LABEL_PREFIX}maintenance_allow`,
      reason: 'cannot tell clients apart: the mesh gives all of them addresses of its own',
      remedy: `Set Extensions.${name}.PublishMode = "host", or ProxyProtocolFrom where a balancer tells the addresses.`,
    }));
}

function judgeDefaultCertificate({ name, settings }: Cluster, { secrets, material }: ServiceContext) {
  const secret = settings.DefaultCertificate;
  const label = `Extensions.${name}.DefaultCertificate`;
  const toProblem = ({ severity, reason, remedy }: Pick<Problem, 'severity' | 'reason' | 'remedy'>): Problem => ({
    severity,
    cluster: name,
    label,
    value: secret,
    reason,
    remedy,
  });
  if (secret === '') return { secret, isGood: false, problems: [] };
  if (!secrets.has(secret)) {
    const remedy = `Create it: docker secret create ${secret} <file>.`;
    const problem = toProblem({ severity: 'error', reason: 'is not a secret of this swarm', remedy });
    return { secret, isGood: false, problems: [problem] };
  }
  const verdicts = judgeServer(secret, secret, material);
  return { secret, isGood: verdicts.every(({ severity }) => severity !== 'error'), problems: verdicts.map(toProblem) };
}

/** Whatever is wrong with it, routes are not touched. */
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
    const reason = 'has no effect: without HitlessServiceUpdate proxies have no agent that could tell metrics';
    return { reason, remedy: 'Set HitlessServiceUpdate = true, or leave this out.' };
  }
  if ([TargetPort, TargetSSLPort].includes(metricsPort)) {
    const reason = `has no effect: metrics are told on the port ${metricsPort}, which is a target port here`;
    return { reason, remedy: 'Choose another TargetPort and TargetSSLPort.' };
  }
  if (exists) return undefined;
  const remedy = `Create it: openssl rand -hex 32 | docker secret create ${MetricsSecret} -`;
  return { reason: 'is not a secret of this swarm', remedy };
}

function attachedSecrets(names: readonly string[], secrets: ReadonlyMap<string, StoredObject>) {
  return [...new Set(names)]
    .toSorted(compareText)
    .flatMap((name) => secrets.get(name) ?? [])
    .map(({ id, name }) => ({ id, name }));
}

function whitelisted(names: readonly string[], networks: ReadonlyMap<string, SwarmNetwork>): string[] {
  return [...networks.values()].filter(({ name }) => names.includes(name)).map(({ id }) => id);
}

const unavailable = memoize((route: Route): Route => ({ ...route, backend: { kind: 'unavailable' } }));

/**
 * nginx silently leaves out the peers that do not fit into the zone (64 KB holds about 55), so it is sized with room for a
 * rolling update that doubles the tasks. In powers of two: scaling a service must not change the configuration.
 */
const LEAST_ZONE_KB = 512;
const KB_PER_UPSTREAM = 4;
const KB_PER_PEER = 3;
/** The engine's DNS cannot name more in one answer; and nobody's mistyped number of replicas may take all memory. */
const MOST_PEERS = 4096;

function zoneSize(routed: readonly RoutedService[], leastKb: number): number {
  const needed = routed.reduce((sum, { peerCount }) => sum + upstreamKb(peerCount), 128);
  return 2 ** Math.ceil(Math.log2(Math.max(LEAST_ZONE_KB, leastKb, needed)));
}

function upstreamKb(peerCount: number): number {
  return KB_PER_UPSTREAM + KB_PER_PEER * Math.min(peerCount, MOST_PEERS);
}

function outsideWhitelist({ service }: Route, { name }: Cluster): Problem {
  return {
    severity: 'error',
    service: service.name,
    cluster: name,
    label: 'com.docker.lb.network',
    reason: 'is reached over a network that the proxies do not join',
    remedy: `Attach it to one of the networks in Extensions.${name}.Networks, or add the network there.`,
  };
}

function unknownCluster(name: string, routed: readonly RoutedService[], known: ReadonlySet<string>): Problem[] {
  const names = [...known]
    .map((cluster) => cluster || 'the default cluster')
    .toSorted()
    .join(', ');
  return routed.map(({ route }) => ({
    severity: 'error',
    service: route.service.name,
    label: 'com.docker.lb.service_cluster',
    value: name,
    reason: name === '' ? 'is for the default cluster, which is not set up' : 'is a service cluster that is not set up',
    remedy: `Name one of: ${names}.`,
  }));
}
