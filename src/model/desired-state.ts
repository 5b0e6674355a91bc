import { parseService, type RoutedService, type ServiceContext } from './parse-service.ts';
import { type Problem, shownValue, sortProblems } from './problem.ts';
import { compareOwners, compareText, type Route } from './route.ts';
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
  /** Size of the memory that all upstreams share. */
  readonly zoneKb: number;
}

export interface DesiredState {
  readonly clusters: readonly ClusterState[];
  readonly problems: readonly Problem[];
}

export function buildDesiredState(snapshot: Snapshot, settings: Settings): DesiredState {
  const networks = new Map(snapshot.networks.map((network) => [network.id, network]));
  const secrets = new Map(snapshot.secrets.map((secret) => [secret.name, secret]));
  const context: ServiceContext = {
    networks,
    secrets,
    nodes: new Map(snapshot.nodes.map((node) => [node.id, node])),
    hostTasks: Map.groupBy(snapshot.hostTasks, ({ serviceId }) => serviceId),
    nodeCount: Math.max(1, snapshot.nodes.length),
  };
  const parsed = snapshot.services.map((service) => parseService(service, context));
  const byCluster = Map.groupBy(
    parsed.flatMap(({ routes }) => routes),
    ({ serviceCluster }) => serviceCluster,
  );
  const known = new Set(settings.clusters.map(({ settings }) => settings.ServiceCluster));
  const clusters = settings.clusters.map((cluster) =>
    buildCluster(cluster, byCluster.get(cluster.settings.ServiceCluster) ?? [], context),
  );
  const problems = [
    ...parsed.flatMap((service) => service.problems),
    ...clusters.flatMap((cluster) => cluster.problems),
    ...[...byCluster]
      .filter(([name]) => !known.has(name))
      .flatMap(([name, routed]) => unknownCluster(name, routed, known)),
  ];
  return { clusters: clusters.map(({ state }) => state), problems: sortProblems(problems) };
}

function buildCluster(cluster: Cluster, routed: readonly RoutedService[], { networks, secrets }: ServiceContext) {
  const whitelist = cluster.settings.Networks;
  const listed = (id: string | undefined) =>
    id === undefined || whitelist === null || whitelist.includes(networks.get(id)?.name ?? '');
  const outside = routed.filter(({ networkId }) => !listed(networkId));
  const inside = routed.filter(({ networkId }) => listed(networkId));
  const routes = [...inside.map(({ route }) => route), ...outside.map(({ route }) => unavailable(route))];
  const joined =
    whitelist === null ? inside.flatMap(({ networkId }) => networkId ?? []) : whitelisted(whitelist, networks);
  const state: ClusterState = {
    cluster,
    routes: routes.toSorted(compareRoutes),
    networkIds: [...new Set(joined)].toSorted(compareText),
    secrets: attachedSecrets(routes, secrets),
    zoneKb: zoneSize(inside, cluster.nginx.UpstreamZoneSize),
  };
  const problems = [
    ...outside.map(({ route }) => outsideWhitelist(route, cluster)),
    ...missingNetworks(cluster, networks),
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

function attachedSecrets(routes: readonly Route[], secrets: ReadonlyMap<string, StoredObject>) {
  const names = routes.flatMap(({ tls }) => (tls.kind === 'terminated' ? [tls.certificate, tls.key] : []));
  return [...new Set(names)]
    .toSorted(compareText)
    .flatMap((name) => secrets.get(name) ?? [])
    .map(({ id, name }) => ({ id, name }));
}

function whitelisted(names: readonly string[], networks: ReadonlyMap<string, SwarmNetwork>): string[] {
  return [...networks.values()].filter(({ name }) => names.includes(name)).map(({ id }) => id);
}

function unavailable(route: Route): Route {
  return { ...route, backend: { kind: 'unavailable' } };
}

function compareRoutes(a: Route, b: Route): number {
  return (
    compareOwners(a.service, b.service) ||
    compareText(a.path, b.path) ||
    compareText(JSON.stringify(a.hosts), JSON.stringify(b.hosts))
  );
}

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
