import { addressLists } from '../features/address-lists.ts';
import { connectTimeout } from '../features/connect-timeout.ts';
import { connectionLimit } from '../features/connection-limit.ts';
import type { Surroundings } from '../features/feature.ts';
import { readFeatures } from '../features/features.ts';
import { readTimeout } from '../features/read-timeout.ts';
import { invalidLabel } from '../labels/label-problems.ts';
import { LabelReader } from '../labels/label-reader.ts';
import type { LabelName } from '../labels/labels.ts';
import type { RoutedService } from '../parse-service.ts';
import type { Problem } from '../problem.ts';
import type { Route, RouteOptions } from '../route.ts';
import { readMode } from '../route-labels/backend-mode.ts';
import type { RouteContext } from '../route-labels/context.ts';
import { readFailureLimits } from '../route-labels/failures.ts';
import { readHosts } from '../route-labels/hosts.ts';
import { readMaintenance } from '../route-labels/maintenance.ts';
import { peersAt, readPlace } from '../route-labels/peers.ts';
import { streamLabels } from '../route-labels/streams.ts';
import type { SwarmService } from '../snapshot.ts';
import { offeredPort } from './offered-ports.ts';
import {
  checksAddresses,
  type StreamOptions,
  type StreamProtocol,
  type StreamRoute,
  streamNames,
} from './stream-route.ts';
import { readStreamTls } from './stream-tls.ts';
import { dropUnsupported } from './supported-labels.ts';

/** Whether labels route connections instead of requests. */
export function routesStreams(reader: Pick<LabelReader, 'has'>): boolean {
  return reader.has('tcp_port') || reader.has('udp_port');
}

/** What is the same for all routes of the labels. */
type Shared = Omit<RoutedService, 'route' | 'secrets' | 'stream'>;

/** The routes of one group of labels: one for each protocol. */
export function parseStreams(
  reader: LabelReader,
  service: SwarmService,
  context: RouteContext,
  shared: (joinedNetworkId: string | undefined, networkId: string | undefined, mode: string) => Shared,
): { readonly routed: readonly RoutedService[]; readonly problems: readonly Problem[] } {
  dropUnsupported(reader);
  const ports = readPorts(reader, context);
  const hosts = reader.has('hosts') ? readHosts(reader).hosts : [];
  const tls = readStreamTls(reader, hosts, context);
  const options = readOptions(reader, service, context);
  if (hosts.length > 0 && options.proxyProtocol && checksAddresses(options))
    reader.refuse(
      streamLabels.tcp_proxy_protocol,
      'cannot be combined with hosts and one of allow, deny and connection_limit',
      'Remove one of these labels.',
    );
  const place = readPlace(reader, service, context);
  const mode = readMode(reader, service, { affinity: { kind: 'none' } });
  const maintenance = readMaintenance(reader);
  const limits = readFailureLimits(reader);
  const peers = peersAt(place, mode, reader, service, context).map((peer) => ({ ...peer, ...limits }));
  const backend: Route['backend'] = peers.length === 0 ? { kind: 'unavailable' } : { kind: 'peers', peers };
  const networkId = place.network?.id;
  const common = shared(networkId, backend.kind === 'peers' ? networkId : undefined, mode);
  const { id, name, createdAt } = service;
  const owner = { id, name, createdAt };
  // Without any of its hosts, the route must not answer for all.
  const isNowhere = reader.has('hosts') && hosts.length === 0;
  const served = ports.filter(({ protocol }) => protocol === 'udp' || !isNowhere);
  const routed = served.map(({ protocol, port }): RoutedService => {
    const isTcp = protocol === 'tcp';
    const stream: StreamRoute = {
      service: owner,
      protocol,
      port,
      hosts: isTcp ? hosts : [],
      tls: isTcp ? tls : { kind: 'none' },
      options: optionsFor(protocol, options),
      backend,
      ...(reader.group === '' ? {} : { labels: { group: reader.group } }),
    };
    const secrets = isTcp ? [...new Set(context.namedSecrets)] : [];
    return { ...common, secrets, stream, route: carrierOf(stream, service, maintenance) };
  });
  const names = routed.flatMap(({ stream }) => streamNames(stream!));
  return { routed, problems: reader.problems.map((problem) => withRoutes(problem, names)) };
}

function withRoutes(problem: Problem, routes: readonly string[]): Problem {
  const [affected] = problem.affects ?? [];
  return affected === undefined || affected.routes.length > 0
    ? problem
    : { ...problem, affects: [{ ...affected, routes }] };
}

/** Carries the hosts and tasks through the checks that all routes share. */
function carrierOf(
  { service, hosts, backend, labels }: StreamRoute,
  from: SwarmService,
  maintenance: Route['maintenance'],
): Route {
  const carrier: Route = {
    service,
    hosts,
    isDefault: false,
    path: '',
    redirects: [],
    options: noOptions(from),
    tls: { kind: 'none' },
    backend,
    maintenance,
  };
  return labels === undefined ? carrier : { ...carrier, labels: { group: labels.group, deciding: {} } };
}

function noOptions(service: SwarmService): RouteOptions {
  const nothing = new LabelReader(service.name, new Map());
  return readFeatures(nothing, { service, contextRoot: '', cluster: undefined, readSecret: () => undefined });
}

interface Port {
  readonly protocol: StreamProtocol;
  readonly port: number;
}

function readPorts(reader: LabelReader, { cluster }: RouteContext): Port[] {
  const { tcp_port, udp_port } = streamLabels;
  return (
    [
      ['tcp', tcp_port],
      ['udp', udp_port],
    ] as const
  ).flatMap(([protocol, definition]) => {
    const port = reader.has(definition.name as LabelName) ? reader.peek(definition) : undefined;
    if (port === undefined) {
      reader.read(definition);
      return [];
    }
    const obstacle = cluster && offeredPort(protocol, port, cluster.streams);
    if (obstacle === undefined) return [{ protocol, port }];
    reader.note(definition, invalidLabel(obstacle.reason, obstacle.remedy));
    return [];
  });
}

/** Protective labels and their values are those of HTTP routes. */
function readOptions(reader: LabelReader, service: SwarmService, context: RouteContext): StreamOptions {
  const { cluster, readSecret } = context;
  const surroundings: Surroundings = {
    service,
    isGrpc: false,
    strippedPath: '',
    // Balancers that send headers do not help: connections have none.
    cluster: cluster && { ...cluster, hidesAddresses: false },
    readSecret,
  };
  refuseHidden(reader, context);
  const lists = addressLists.read(reader, surroundings);
  return {
    proxyProtocol: reader.has('tcp_port') && (reader.read(streamLabels.tcp_proxy_protocol) ?? false),
    allow: lists?.allow,
    deny: lists?.deny,
    connectionLimit: connectionLimit.read(reader, surroundings),
    connectTimeout: connectTimeout.read(reader, surroundings),
    idleTimeout: readTimeout.read(reader, surroundings),
    responses: reader.read(streamLabels.udp_responses),
  };
}

function refuseHidden(reader: LabelReader, { cluster }: RouteContext): void {
  const isHidden =
    cluster &&
    ((reader.has('tcp_port') && cluster.streams.hidesTcp) || (reader.has('udp_port') && cluster.streams.hidesUdp));
  if (!isHidden) return;
  const { allow, deny } = addressLists.labels;
  const written = [allow, deny, connectionLimit.labels.connection_limit].find(({ name }) =>
    reader.has(name as LabelName),
  );
  if (written === undefined) return;
  const remedy =
    'Set PublishMode to "host". For TCP, a balancer in front may send addresses instead: see ProxyProtocolFrom.';
  reader.refuse(written, 'has no effect: the routing mesh hides client addresses from the proxies', remedy);
}

function optionsFor(protocol: StreamProtocol, { proxyProtocol, responses, ...options }: StreamOptions): StreamOptions {
  const own = protocol === 'tcp' ? { proxyProtocol } : { proxyProtocol: false, responses };
  const all = { ...own, ...options };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined)) as unknown as StreamOptions;
}
