import { digest } from '../../lib/digest.ts';
import type { Host } from '../../model/hosts/host.ts';
import { hostAndPort } from '../../model/ipv6.ts';
import type { RenderInput } from '../../model/render-input.ts';
import type { RouteTable } from '../../model/route-table/table.ts';
import { checksAddresses, type StreamRoute } from '../../model/streams/stream-route.ts';
import type { StreamPort, StreamServer, StreamTable } from '../../model/streams/stream-table.ts';
import type { Upstream } from '../../model/upstream.ts';
import { setsDirective } from '../limits.ts';
import { quote } from '../quote.ts';
import { namesHash } from './names-hash.ts';

/** Database connections in a pool are idle for minutes. */
const TCP_IDLE_SECONDS = 3600;
/** A UDP client is remembered for this long, with two of the worker's connections. */
const UDP_IDLE_SECONDS = 30;
/** The routing mesh forgets idle connections after 15 minutes. */
const KEEPALIVE = ' so_keepalive=10m::';
/** A datagram of a client always reaches the same worker, which knows the task. */
const REUSEPORT = ' reuseport';

/** The servers of TCP and UDP ports; undefined if no service uses any. */
export function toStreamsView(input: RenderInput, table: RouteTable, streams: StreamTable) {
  const { ports } = streams;
  const open = ports.filter(isOpen);
  if (open.length === 0) return undefined;
  const isTerminated = open.some(({ kind }) => kind === 'terminated');
  const { TCPOptions } = input.nginx;
  const names = open.flatMap(({ servers }) => servers);
  return {
    servers: open.flatMap((port) => toServers(port, input)),
    zones: [...new Set(open.flatMap(limitZones))].toSorted(),
    tls: isTerminated && !setsDirective(TCPOptions, 'ssl_protocols') ? { ...input.nginx } : undefined,
    hasSecrets: isTerminated,
    udp: onlyUdp(open, table, streams),
    hash: names.length === 0 ? undefined : namesHash(names),
  };
}

/** If no service on a port can answer, nginx does not listen on it, so that connections are refused. */
function isOpen({ fallback, servers }: StreamPort): boolean {
  return [fallback, ...servers].some((server) => server?.upstream !== undefined);
}

/** Servers that the agent must not try over TCP. */
function onlyUdp(open: readonly StreamPort[], table: RouteTable, streams: StreamTable): string[] {
  const named = (wanted: readonly StreamPort[]) =>
    new Set(
      wanted.flatMap(({ fallback, servers }) => [fallback, ...servers].flatMap((server) => server?.upstream ?? [])),
    );
  const udp = named(open.filter(({ protocol }) => protocol === 'udp'));
  const tcp = named(open.filter(({ protocol }) => protocol === 'tcp'));
  const connected = streams.upstreams.filter(({ name }) => tcp.has(name));
  const others = new Set([...table.upstreams, ...table.passthroughs, ...connected].flatMap(endpointsOf));
  const all = streams.upstreams.filter(({ name }) => udp.has(name)).flatMap(endpointsOf);
  return all.filter((endpoint) => !others.has(endpoint)).toSorted();
}

function endpointsOf(upstream: Upstream): string[] {
  return upstream.peers.map(({ address, port }) => hostAndPort(address, port));
}

type Server = StreamServer & { readonly host: Host | undefined };

function toServers(port: StreamPort, input: RenderInput) {
  const { fallback, servers, kind, protocol } = port;
  const first: Server | undefined = fallback && { ...fallback, host: undefined };
  const isShared = servers.length > 0;
  const listen = listenerOf(port, input);
  const once = `${isShared || kind !== 'none' ? ' default_server' : ''}${protocol === 'udp' ? REUSEPORT : KEEPALIVE}`;
  const outer = [first, ...servers].map((server, position) => ({
    ...toServer(server, port, isShared),
    listen: position === 0 ? listen + once : listen,
    listen6: input.listensOnIpv6 ? `[::]:${position === 0 ? listen + once : listen}` : undefined,
  }));
  return [...outer, ...(isShared ? innerServers([first, ...servers], port) : [])];
}

function listenerOf({ protocol, port, kind }: StreamPort, { proxyProtocolFrom }: RenderInput): string {
  if (protocol === 'udp') return `${port} udp`;
  const ssl = kind === 'terminated' ? ' ssl' : '';
  return `${port}${ssl}${proxyProtocolFrom.length > 0 ? ' proxy_protocol' : ''}`;
}

function toServer(server: Server | undefined, { protocol, port, kind }: StreamPort, isShared: boolean) {
  const common = { host: server?.host, isPreread: kind === 'passthrough' };
  if (server?.upstream === undefined)
    return { ...common, isClosed: true, rejects: kind === 'terminated', target: undefined };
  const { route, upstream } = server;
  const own = {
    ...common,
    isClosed: false,
    rejects: false,
    certificate: route.tls.kind === 'terminated' ? route.tls.certificate : undefined,
    alpn: route.tls.kind === 'terminated' ? route.tls.alpn.map(quote).join(' ') : '',
    name: `${protocol}/${port}`,
    service: route.service.name,
    ...timeouts(route),
  };
  if (isShared && checksAddresses(route.options))
    return { ...own, isOuter: true, proxyProtocol: true, ...NO_LIMITS, target: socketOf(route) };
  return { ...own, isOuter: false, proxyProtocol: route.options.proxyProtocol, ...limits(route), target: upstream };
}

/**
 * nginx checks addresses before it reads the name, so with the labels of the port's first server. Protected routes
 * therefore continue in a server of their own, which receives the client's address over a socket.
 */
function innerServers(servers: readonly (Server | undefined)[], { protocol, port }: StreamPort) {
  const routes = new Map(
    servers.flatMap((server) =>
      server?.upstream !== undefined && checksAddresses(server.route.options)
        ? [[server.route, server.upstream] as const]
        : [],
    ),
  );
  return [...routes].map(([route, upstream]) => ({
    host: undefined,
    isPreread: false,
    isClosed: false,
    rejects: false,
    certificate: undefined,
    alpn: '',
    isOuter: false,
    name: `${protocol}/${port}`,
    service: route.service.name,
    proxyProtocol: route.options.proxyProtocol,
    ...timeouts(route),
    ...limits(route),
    target: upstream,
    listen: `${socketOf(route)} proxy_protocol`,
    listen6: undefined,
  }));
}

const NO_LIMITS = { deny: [], allow: [], isExclusive: false, zone: undefined, most: undefined };

function limits({ service, protocol, port, options: { allow, deny = [], connectionLimit } }: StreamRoute) {
  return {
    deny,
    allow: allow ?? [],
    isExclusive: allow !== undefined,
    zone: connectionLimit === undefined ? undefined : zoneOf({ service, protocol, port }),
    most: connectionLimit,
  };
}

function timeouts({ protocol, options: { connectTimeout, idleTimeout, responses } }: StreamRoute) {
  const idle = protocol === 'udp' ? UDP_IDLE_SECONDS : TCP_IDLE_SECONDS;
  return { connectTimeout, idleTimeout: idleTimeout ?? idle, responses };
}

function limitZones({ fallback, servers }: StreamPort): string[] {
  return [fallback, ...servers].flatMap((server) =>
    server?.upstream !== undefined && server.route.options.connectionLimit !== undefined ? [zoneOf(server.route)] : [],
  );
}

/** Independent of the limit, so that a changed limit still counts the open connections. */
function zoneOf(route: Pick<StreamRoute, 'service' | 'protocol' | 'port'>): string {
  return `stream_connections_${idOf(route)}`;
}

function idOf({ service, protocol, port }: Pick<StreamRoute, 'service' | 'protocol' | 'port'>): string {
  return digest(JSON.stringify([service.id, protocol, port]));
}

function socketOf(route: StreamRoute): string {
  return `unix:/tmp/stream-${digest(JSON.stringify([idOf(route), route.hosts]))}.sock`;
}
