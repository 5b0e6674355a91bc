import { compareHosts, type Host } from '../hosts/host.ts';
import type { Problem } from '../problem.ts';
import { asGiven, problemKind } from '../problem-kind.ts';
import { compareText } from '../route.ts';
import { toUpstream, type Upstream } from '../upstream.ts';
import {
  compareStreams,
  needsWholePort,
  portLabel,
  type StreamRoute,
  type StreamTls,
  streamName,
} from './stream-route.ts';

export const portConflict = problemKind({
  id: 'stream-port-conflict',
  severity: 'error',
  meaning: `A TCP or UDP port, or a host on it, belongs to an older service, or cannot be shared with it. The younger service is not served on it.`,
  ...asGiven,
  example: ['5432/tcp belongs to db_main, an older service, so db_copy is not served on it', 'Use another port.'],
  at: 'com.docker.lb.tcp_port "5432"',
});

/** Routes of connections, merged by port. */
export interface StreamTable {
  readonly ports: readonly StreamPort[];
  readonly upstreams: readonly Upstream[];
  readonly problems: readonly Problem[];
}

/** One port of the proxies. All of its connections are read in the same way, as the oldest service requires. */
export interface StreamPort extends Pick<StreamRoute, 'protocol' | 'port'> {
  readonly kind: StreamTls['kind'];
  /** For connections that name no host of the others; undefined if these are closed. */
  readonly fallback: StreamServer | undefined;
  /** By name in the TLS handshake. */
  readonly servers: readonly (StreamServer & { readonly host: Host })[];
}

export interface StreamServer {
  readonly route: StreamRoute;
  /** Undefined if no task can answer. */
  readonly upstream: string | undefined;
}

export function buildStreamTable(streams: readonly StreamRoute[]): StreamTable {
  const upstreams = new Map<string, Upstream>();
  const problems: Problem[] = [];
  const byPort = Map.groupBy(streams.toSorted(compareStreams), (route) => streamName(route));
  const ports = [...byPort.values()].map((claimants) => buildPort(claimants, upstreams, problems));
  return { ports, upstreams: [...upstreams.values()].toSorted((a, b) => compareText(a.name, b.name)), problems };
}

type Taken = Map<string, StreamServer & { readonly host: Host | undefined }>;

/** The oldest service first. */
function buildPort(
  claimants: readonly StreamRoute[],
  upstreams: Map<string, Upstream>,
  problems: Problem[],
): StreamPort {
  const [first] = claimants as [StreamRoute, ...StreamRoute[]];
  const { protocol, port } = first;
  const taken: Taken = new Map();
  for (const route of claimants) {
    const obstacle = obstacleTo(route, first, taken);
    if (obstacle === undefined) problems.push(...take(route, taken, upstreams));
    else problems.push(obstacle);
  }
  const named = [...taken.values()].flatMap(({ host, ...server }) => (host === undefined ? [] : [{ ...server, host }]));
  const servers = named.toSorted((a, b) => compareHosts(a.host, b.host));
  return { protocol, port, kind: first.tls.kind, fallback: taken.get(''), servers };
}

/** Why a route cannot share the port with older ones. */
function obstacleTo(route: StreamRoute, oldest: StreamRoute, taken: Taken): Problem | undefined {
  if (route.tls.kind !== oldest.tls.kind) return otherKind(route, oldest);
  const other = [...taken.values()].find((each) => needsWholePort(each.route) || needsWholePort(route));
  return other && undivided(route, other.route);
}

/** Takes the hosts that are free. */
function take(route: StreamRoute, taken: Taken, upstreams: Map<string, Upstream>): Problem[] {
  return (route.hosts.length === 0 ? [undefined] : route.hosts).flatMap((host) => {
    const key = host === undefined ? '' : `${host.kind} ${host.name}`;
    const holder = taken.get(key)?.route;
    if (holder !== undefined) return [occupied(route, holder, host)];
    taken.set(key, { host, route, upstream: upstreamOf(route, upstreams) });
    return [];
  });
}

function upstreamOf({ backend }: StreamRoute, upstreams: Map<string, Upstream>): string | undefined {
  if (backend.kind !== 'peers') return undefined;
  const upstream = toUpstream(backend.peers, { kind: 'none' });
  if (upstream === undefined) return undefined;
  upstreams.set(upstream.name, upstream);
  return upstream.name;
}

const KINDS: Readonly<Record<StreamTls['kind'], string>> = {
  none: 'without TLS at the proxies',
  terminated: 'with tcp_tls',
  passthrough: 'with ssl_passthrough',
};

function otherKind(route: StreamRoute, oldest: StreamRoute): Problem {
  const { name } = route.service;
  const reason = `${streamName(route)} is used ${KINDS[oldest.tls.kind]} by ${ownerOf(oldest, route)}, and ${KINDS[route.tls.kind]} by ${name}, which is not served on it`;
  return conflict(route, reason, 'Set the same labels for TLS on both services, or use another port.');
}

function undivided(route: StreamRoute, holder: StreamRoute): Problem {
  const reason = `${streamName(route)} is used by ${ownerOf(holder, route)}, and cannot be shared with ${route.service.name}: a service with tcp_proxy_protocol and allow, deny or connection_limit needs the port for itself`;
  return conflict(route, reason, 'Use another port, or remove one of these labels.');
}

function occupied(route: StreamRoute, holder: StreamRoute, host: Host | undefined): Problem {
  const reason = `${streamName(route, host)} belongs to ${ownerOf(holder, route)}, so ${route.service.name} is not served on it`;
  const remedy =
    route.protocol === 'tcp'
      ? 'Use another port. With tcp_tls or ssl_passthrough, services with different hosts can share a port.'
      : 'Use another port.';
  return conflict(route, reason, remedy, host);
}

function ownerOf(holder: StreamRoute, { service: { id } }: StreamRoute): string {
  return holder.service.id === id ? 'another group of labels' : `${holder.service.name}, an older service`;
}

function conflict(route: StreamRoute, reason: string, remedy: string, host?: Host): Problem {
  const { name: service } = route.service;
  const label = portLabel(route);
  return {
    ...portConflict(reason, remedy),
    service,
    label,
    value: String(route.port),
    affects: [{ service, label, routes: [streamName(route, host)] }],
  };
}
