import type { AcmeFacts } from './acme/facts.ts';
import type { Issuer } from './acme/issuers.ts';
import { withCertificates } from './acme/routes.ts';
import { stackOf } from './default-host.ts';
import type { ClusterFacts } from './features/feature.ts';
import { readFeatures } from './features/features.ts';
import { limitHosts } from './hosts/host-limits.ts';
import { addGivenLabels } from './labels/given-labels.ts';
import { readHrmLabels } from './labels/hrm.ts';
import { ignoredLabels } from './labels/ignored-labels.ts';
import { groupLabels, hasRoutingLabels, LabelReader } from './labels/label-reader.ts';
import type { PathPattern } from './path-pattern.ts';
import type { Problem } from './problem.ts';
import {
  type Backend,
  type Peer,
  type Route,
  type RouteOptions,
  routeNames,
  type SecretRef,
  withoutTasks,
} from './route.ts';
import { readIssuer } from './route-labels/acme.ts';
import { readMode } from './route-labels/backend-mode.ts';
import { readCanonicalHost } from './route-labels/canonical-host.ts';
import { closeUncovered } from './route-labels/certificate.ts';
import type { RouteContext } from './route-labels/context.ts';
import { readPaths } from './route-labels/context-root.ts';
import { readFailureLimits } from './route-labels/failures.ts';
import { readHosts } from './route-labels/hosts.ts';
import { readMaintenance } from './route-labels/maintenance.ts';
import { readMatch } from './route-labels/match.ts';
import { refuseUnprotected } from './route-labels/passthrough.ts';
import { peersAt, readPlace } from './route-labels/peers.ts';
import { readRedirects } from './route-labels/redirects.ts';
import { secretReader } from './route-labels/secrets.ts';
import { serviceClusterLabels } from './route-labels/service-cluster.ts';
import { closed, readTls } from './route-labels/tls.ts';
import { wantedTasks } from './route-labels/wanted-tasks.ts';
import { readWeight } from './route-labels/weight.ts';
import { writtenLabels } from './route-labels/written-labels.ts';
import { type Material, materialOf } from './secrets/material.ts';
import { secretsIn } from './secrets/rename-secrets.ts';
import type { SecretUse } from './secrets/secret-use.ts';
import type { HostTask, StoredObject, SwarmNetwork, SwarmNode, SwarmService } from './snapshot.ts';
import { parseStreams, routesStreams } from './streams/parse-streams.ts';
import type { StreamRoute } from './streams/stream-route.ts';
import { noteStreamLabels } from './streams/supported-labels.ts';

/** The result of parsing a service's labels. */
export interface ParsedService {
  readonly routes: readonly RoutedService[];
  readonly problems: readonly Problem[];
}

export interface RoutedService {
  readonly route: Route;
  /** Name of the service's stack; '' if it belongs to none. */
  readonly stack: string;
  /** Value of the service cluster label; '' is the default cluster. */
  readonly serviceCluster: string;
  /** Network over which proxies reach it; undefined if none is required. */
  readonly networkId: string | undefined;
  /** Virtual address of the service on that network, which no alias can change; undefined if it has none. */
  readonly virtualAddress?: string | undefined;
  /**
   * Secrets that the proxies must have, including those of closed routes: only the proxies know their content, and a verdict must not remove the
   * basis for itself.
   */
  readonly secrets: readonly SecretRef[];
  /** The network of its label, also while it has no tasks. See `networksOf`. */
  readonly joinedNetworkId?: string | undefined;
  /** A label, or a certificate that is not there yet, closes the route. */
  readonly isClosed?: true | undefined;
  /**
   * A route of connections. `route` then only carries its hosts and tasks through the checks that all routes share, and
   * answers no requests.
   */
  readonly stream?: StreamRoute | undefined;
  /** Not published: other routes ask it. */
  readonly isAsked?: true | undefined;
  /** Number of tasks that may answer at the same time; sizes the proxies' memory. */
  readonly peerCount: number;
}

export interface ServiceContext {
  readonly networks: ReadonlyMap<string, SwarmNetwork>;
  /** By name. */
  readonly secrets: ReadonlyMap<string, StoredObject>;
  readonly nodes: ReadonlyMap<string, SwarmNode>;
  /** Running tasks with ports published on their nodes, by service. */
  readonly hostTasks: ReadonlyMap<string, readonly HostTask[]>;
  readonly nodeCount: number;
  /** The known facts about secrets. */
  readonly material: Material;
  readonly secretUse: SecretUse;
  readonly acme: AcmeFacts;
  /** By value of the service cluster label. */
  readonly clusters: ReadonlyMap<string, ClusterFacts>;
}

export function parseService(service: SwarmService, context: ServiceContext): ParsedService {
  // UCP's migration added current labels to those of the mesh: if there are both, the current ones are used.
  const { groups, problems } = hasRoutingLabels(service.labels)
    ? groupLabels(service.name, service.labels)
    : readHrmLabels(service);
  const limited = limitHosts(service.name, groups);
  const parsed = [...limited.groups].map(([name, group]) =>
    parseGroup(service, new LabelReader(service.name, group, name), context),
  );
  return {
    routes: parsed.flatMap(({ routed }) => routed),
    problems: [
      ...problems,
      ...limited.problems,
      ...ignoredLabels(service),
      ...parsed.flatMap((group) => group.problems),
    ],
  };
}

function parseGroup(service: SwarmService, reader: LabelReader, surroundings: ServiceContext) {
  const serviceCluster = reader.readOr(serviceClusterLabels.service_cluster, '');
  const context = inCluster(serviceCluster, service, reader, surroundings);
  const { cluster, readSecret } = context;
  addGivenLabels(reader, service, cluster);
  if (routesStreams(reader)) return parseConnections(reader, service, context, serviceCluster);
  noteStreamLabels(reader);
  const { hosts, isDefault } = readHosts(reader);
  const paths = readPaths(reader);
  const redirects = { ...readRedirects(reader, hosts), ...readCanonicalHost(reader, hosts) };
  const options = readFeatures(reader, { service, contextRoot: paths[0] ?? '', cluster, readSecret });
  const place = readPlace(reader, service, context);
  const issuer = readIssuer(reader, { hosts, isDefault }, context);
  const tls = readTls(reader, service, hosts, context, issuer !== undefined);
  refuseUnprotected(reader, tls, options);
  const mode = readMode(reader, service, options);
  const maintenance = readMaintenance(reader);
  const match = readMatch(reader, tls);
  const weight = readWeight(reader, tls);
  const limits = readFailureLimits(reader);
  const nowhere = hosts.length === 0 && !isDefault;
  // If a cluster or path label is invalid, it is unknown where the 503 belongs: the route is then in no table.
  if (nowhere || paths.length === 0 || serviceCluster === undefined)
    return { routed: [], problems: listRoutes(reader.problems, { hosts, isDefault, paths }) };
  const peers = peersAt(place, mode, reader, service, context).map((peer) => ({ ...peer, ...limits }));
  const backend = backendOf(peers, options, reader);
  const { id, name, createdAt } = service;
  const route: Route = {
    service: { id, name, createdAt },
    hosts,
    isDefault,
    path: paths[0]!,
    ...(match && { match }),
    ...(weight === undefined ? {} : { weight }),
    ...redirects,
    options,
    tls: reader.closed ? closed(tls) : tls,
    backend,
    maintenance,
    ...writtenLabels(reader, options, tls),
  };
  const networkId = backend.kind === 'peers' ? place.network?.id : undefined;
  const routed = {
    route,
    stack: stackOf(service),
    serviceCluster,
    networkId,
    virtualAddress: virtualAddressOf(service, networkId),
    joinedNetworkId: place.network?.id,
    ...closedBy(reader),
    peerCount: mode === 'vip' ? 1 : wantedTasks(service, context.nodeCount),
    secrets: [...new Set([...secretsIn({ tls, options }), ...context.namedSecrets])],
  };
  const parts = divide(routed, issuer, reader, context);
  const problems = listRoutes(reader.problems, { hosts, isDefault, paths });
  return { routed: parts.flatMap((part) => paths.map((path) => at(part, path))), problems };
}

function parseConnections(
  reader: LabelReader,
  service: SwarmService,
  context: RouteContext,
  serviceCluster: string | undefined,
) {
  const { routed, problems } = parseStreams(reader, service, context, (joinedNetworkId, networkId, mode) => ({
    stack: stackOf(service),
    serviceCluster: serviceCluster ?? '',
    networkId,
    virtualAddress: virtualAddressOf(service, networkId),
    joinedNetworkId,
    ...closedBy(reader),
    peerCount: mode === 'vip' ? 1 : wantedTasks(service, context.nodeCount),
  }));
  // If the cluster is invalid, it is unknown which proxies would serve it.
  return { routed: serviceCluster === undefined ? [] : [...routed], problems: [...problems] };
}

function closedBy({ closed }: LabelReader): Pick<RoutedService, 'isClosed'> {
  return closed ? { isClosed: true } : {};
}

function backendOf(peers: readonly Peer[], options: RouteOptions, { closed }: LabelReader): Backend {
  if (peers.length > 0) return { kind: 'peers', peers };
  return closed ? { kind: 'unavailable' } : withoutTasks(options);
}

function divide(
  routed: RoutedService,
  issuer: Issuer | undefined,
  reader: LabelReader,
  context: RouteContext,
): RoutedService[] {
  if (issuer === undefined) return closeUncovered(routed, reader, context);
  return withCertificates(routed, issuer, reader, context);
}

function inCluster(
  serviceCluster: string | undefined,
  service: SwarmService,
  reader: LabelReader,
  surroundings: ServiceContext,
): RouteContext {
  const context = {
    ...surroundings,
    material: materialOf(serviceCluster, surroundings.material),
    cluster: surroundings.clusters.get(serviceCluster ?? ''),
    read: surroundings.material.read?.get(serviceCluster ?? ''),
    namedSecrets: [],
  };
  return { ...context, readSecret: secretReader(reader, service, context) };
}

function virtualAddressOf({ virtualAddresses = {} }: SwarmService, networkId: string | undefined): string | undefined {
  return networkId === undefined ? undefined : virtualAddresses[networkId];
}

function at(routed: RoutedService, path: PathPattern): RoutedService {
  return routed.route.path === path ? routed : { ...routed, route: { ...routed.route, path } };
}

/** Fills in the routes of shared causes: all of the group, unless the problem names some. */
function listRoutes(
  problems: readonly Problem[],
  { paths, ...names }: Pick<Route, 'hosts' | 'isDefault'> & { readonly paths: readonly PathPattern[] },
): Problem[] {
  const [first = '', ...others] = paths;
  const routes = [first, ...others].flatMap((path) => routeNames({ ...names, path }));
  /** Named at the first path. */
  const everywhere = (affected: readonly string[]) =>
    others.length === 0
      ? affected
      : affected.flatMap((name) => paths.map((path) => name.slice(0, -(first || '/').length) + (path || '/')));
  return problems.map((problem) => {
    const [affected] = problem.affects ?? [];
    if (affected === undefined) return problem;
    const named = affected.routes.length > 0 ? everywhere(affected.routes) : routes;
    return { ...problem, affects: [{ ...affected, routes: named }] };
  });
}
