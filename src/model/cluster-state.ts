import { memoizeLast } from '../lib/memo.ts';
import { createSorter, type Sorter } from '../lib/sorter.ts';
import { resolveAsked, withAsked } from './asked-services.ts';
import { createBudget, type KeepWithin } from './budget.ts';
import { addressesWithoutCertificate, hiddenAddresses, missingNetworks, outsideWhitelist } from './cluster-problems.ts';
import { type Claims, judgeNames } from './dns/aliases.ts';
import { type ClusterDoubts, NOTHING_WATCHED, type WatchedNames } from './dns/name-doubts.ts';
import { isRelayed, upperCaseNetwork, withoutNameRelay } from './dns/relayed-names.ts';
import {
  doubtProblems,
  ignoredAddresses,
  isDoubted,
  type TasksByService,
  usesAddresses,
  watchedNames,
  watchesNames,
  withAddresses,
} from './dns/task-addresses.ts';
import { withoutName } from './dns/without-name.ts';
import { giveCertificates } from './give-certificates.ts';
import type { RejectedClaim } from './host-ownership.ts';
import { listensOnIpv6 } from './ipv6.ts';
import { networksOf } from './joined-networks.ts';
import { controlNetwork } from './names.ts';
import type { RoutedService, ServiceContext } from './parse-service.ts';
import { withoutRedirectLoops } from './redirect-loops.ts';
import { compareRoutes, compareText, type Route, unavailable } from './route.ts';
import type { RouteTable } from './route-table/table.ts';
import { createRouteTableBuilder } from './route-table.ts';
import {
  attachedSecrets,
  foreignSecrets,
  judgeDefaultCertificate,
  judgeMetricsSecret,
} from './secrets/cluster-secrets.ts';
import { judgeListed } from './secrets/listed-certificates.ts';
import { type Material, materialOf, namesOf } from './secrets/material.ts';
import { type PackedSecrets, packSecrets } from './secrets/pack-secrets.ts';
import type { Cluster } from './settings/clusters.ts';
import type { StoredObject, SwarmNetwork, SwarmService } from './snapshot.ts';
import { toStreams } from './streams/cluster-streams.ts';
import type { StreamRoute } from './streams/stream-route.ts';
import type { StreamTable } from './streams/stream-table.ts';
import { zoneKbOf } from './usage.ts';

/** The desired state of a service cluster: a pure function of the snapshot and the administrators' decisions. */
export interface ClusterState {
  readonly cluster: Cluster;
  /** Sorted, so that equal states have equal bytes. */
  readonly routes: readonly Route[];
  /** The routes, merged by host and path. */
  readonly table: RouteTable;
  /** Routes of connections, sorted. */
  readonly streams: readonly StreamRoute[];
  /** The same, merged by port. */
  readonly streamTable: StreamTable;
  /** Hosts that services claim without permission. */
  readonly rejectedClaims: readonly RejectedClaim[];
  /** Networks that the proxies must join, sorted. */
  readonly networkIds: readonly string[];
  /** Secrets that the proxies must have, sorted by name. */
  readonly secrets: readonly Pick<StoredObject, 'id' | 'name'>[];
  /** Those that no job has read for the proxies yet. Empty if Swarm mounts secrets. */
  readonly unreadSecrets: readonly Pick<StoredObject, 'id' | 'name'>[];
  /** The encrypted secrets of the routes; undefined if Swarm mounts secrets. */
  readonly packed: PackedSecrets | undefined;
  /** What is known of secrets, by name. */
  readonly facts: Material['facts'];
  /** Secrets that contain neither TLS material nor users according to the proxies, sorted. */
  readonly foreignSecretIds: readonly string[];
  /** Secret with the default certificate, for TLS hosts without their own; '' if there is none or it is invalid. */
  readonly defaultCertificate: string;
  /** Hosts that it covers; undefined if they are not known. */
  readonly defaultCertificateNames: readonly string[] | undefined;
  /** Secret with the token for the proxies' metrics; undefined if metrics are disabled. */
  readonly metricsSecret: Pick<StoredObject, 'id' | 'name'> | undefined;
  /** The names that the agents check in Docker's DNS. */
  readonly watch: WatchedNames;
  /** Whether the proxies also listen on IPv6 addresses. */
  readonly listensOnIpv6: boolean;
  /** Size of the memory that all upstreams share. */
  readonly zoneKb: number;
}

/** Cached for a cluster between states. */
export interface KeptForCluster {
  readonly sort: Sorter<Route>;
  readonly keepWithin: KeepWithin;
  readonly buildTable: (routes: readonly Route[]) => RouteTable;
  readonly pack: typeof packSecrets;
}

/** How tasks are followed, and which names cannot be used. */
interface Following {
  /** Networks that the proxies are attached to at present. */
  readonly attached: ReadonlySet<string>;
  readonly claims: Claims;
  readonly doubts: ClusterDoubts | undefined;
  readonly tasks: TasksByService | undefined;
  readonly services: readonly SwarmService[];
}

export function buildCluster(
  cluster: Cluster,
  claiming: readonly RoutedService[],
  rejectedClaims: readonly RejectedClaim[],
  surroundings: ServiceContext,
  { sort, keepWithin, buildTable, pack }: KeptForCluster,
  { attached, claims, doubts, tasks, services }: Following,
) {
  const context = {
    ...surroundings,
    material: materialOf(cluster.settings.ServiceCluster, surroundings.material),
  };
  const read = surroundings.material.read?.get(cluster.settings.ServiceCluster);
  const certificates = judgeListed(cluster, context, read, new Set(claiming.flatMap((service) => service.secrets)));
  const certified = giveCertificates(claiming, cluster, certificates, context.material);
  const { routed: published, problems: overBudget } = keepWithin(
    withAsked(certified.routed, services, surroundings),
    cluster.name,
  );
  const routed = usesAddresses(cluster) ? published.map((service) => withAddresses(service, tasks)) : published;
  const { networks } = context;
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
  const names = judgeNames(cluster, reachable, { networks, alwaysJoined, attached, claims });
  const inside = reachable
    .filter((service) => !names.closed.has(service))
    .map((service) => {
      if (isDoubted(service, doubts)) return withAddresses(service, tasks);
      return names.victims.has(service) ? withoutName(service) : service;
    });
  const isOfRequests = ({ stream }: RoutedService) => stream === undefined;
  const asking = resolveAsked(inside.filter(isOfRequests), services, cluster.name);
  const named = reachable.filter((service) => !names.closed.has(service) && !names.victims.has(service));
  const closed = [...outside, ...unresolved, ...names.closed];
  const { PublicPort, PublishedPort, PublicSSLPort, PublishedSSLPort } = cluster.settings;
  const { routes, problems: loops } = withoutRedirectLoops(
    [
      ...asking.routed.map(({ route }) => route),
      ...closed.filter((each) => !each.isAsked && isOfRequests(each)).map(({ route }) => unavailable(route)),
    ],
    { http: PublicPort ?? PublishedPort, https: PublicSSLPort ?? PublishedSSLPort },
  );
  const streams = toStreams(inside, closed, cluster.name);
  const joined = whitelist === null ? networksOf(inside, attached) : whitelisted(whitelist, networks);
  const fallback = judgeDefaultCertificate(cluster, context);
  const metrics = judgeMetricsSecret(cluster, context.secrets);
  const sorted = sort(routes);
  const secrets = attachedSecrets(
    [...routed.flatMap((service) => service.secrets), ...cluster.settings.Certificates, fallback.secret],
    context,
  );
  const state: ClusterState = {
    cluster,
    routes: sorted,
    table: buildTable(sorted),
    streams: streams.routes,
    streamTable: streams.table,
    rejectedClaims,
    networkIds: [...new Set(joined)].toSorted(compareText),
    secrets,
    unreadSecrets: read === undefined ? [] : secrets.filter(({ id }) => !read.has(id)),
    packed: read === undefined ? undefined : pack(cluster.name, ...secrets.flatMap(({ id }) => read.get(id) ?? [])),
    facts: context.material.facts,
    foreignSecretIds: read === undefined ? foreignSecrets(context) : [],
    defaultCertificate: fallback.isGood ? fallback.secret : '',
    defaultCertificateNames: namesOf(fallback.secret, context.material),
    metricsSecret: metrics.secret,
    watch: watchesNames(cluster) ? watchedNames(named, doubts, networks) : NOTHING_WATCHED,
    listensOnIpv6: listensOnIpv6(cluster, context.nodes),
    zoneKb: zoneSize(inside, cluster.nginx.UpstreamZoneSize),
  };
  const problems = [
    ...overBudget,
    ...outside.map(({ route, networkId }) => outsideWhitelist(route, networks.get(networkId!)?.name ?? '', cluster)),
    ...unresolved.map((service) => upperCaseNetwork(service, cluster.name, networks, remedy ?? '')),
    ...names.problems,
    ...asking.problems,
    ...doubtProblems(named, doubts, cluster.name, networks),
    ...ignoredAddresses(cluster),
    ...streams.problems,
    ...loops.map((problem) => ({ ...problem, cluster: cluster.name })),
    ...missingNetworks(cluster, networks),
    ...hiddenAddresses(routes, cluster),
    ...addressesWithoutCertificate(routes, cluster, state.defaultCertificate, context.material),
    ...fallback.problems,
    ...certificates.problems,
    ...certified.problems,
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

function whitelisted(names: readonly string[], networks: ReadonlyMap<string, SwarmNetwork>): string[] {
  return [...networks.values()].filter(({ name }) => names.includes(name)).map(({ id }) => id);
}

/** In powers of two, so that scaling a service does not change the configuration. */
const LEAST_ZONE_KB = 512;

function zoneSize(routed: readonly RoutedService[], leastKb: number): number {
  const needed = routed.reduce((sum, { peerCount }) => sum + zoneKbOf(peerCount), 128);
  return 2 ** Math.ceil(Math.log2(Math.max(LEAST_ZONE_KB, leastKb, needed)));
}

export function keepForCluster(): KeptForCluster {
  return {
    sort: createSorter(compareRoutes),
    keepWithin: createBudget(),
    buildTable: createRouteTableBuilder(),
    pack: memoizeLast(packSecrets),
  };
}
