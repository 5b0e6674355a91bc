import type { Host } from '../hosts/host.ts';
import {
  type Backend,
  compareOwners,
  compareText,
  labelName,
  type RouteLabels,
  type RouteOwner,
  type SecretRef,
} from '../route.ts';

export const streamProtocols = ['tcp', 'udp'] as const;
export type StreamProtocol = (typeof streamProtocols)[number];

/** A route of connections: port, and perhaps name in the TLS handshake → service. */
export interface StreamRoute {
  readonly service: RouteOwner;
  readonly protocol: StreamProtocol;
  /** Published port, which the proxies listen on too. */
  readonly port: number;
  /** Names in the TLS handshake (SNI). Empty: all connections that name no host of another service. */
  readonly hosts: readonly Host[];
  readonly tls: StreamTls;
  readonly options: StreamOptions;
  /** Unavailable: connections are refused, or closed if other services share the port. */
  readonly backend: Backend;
  /** Absent for plain labels without values of the settings. */
  readonly labels?: Pick<RouteLabels, 'group' | 'given'> | undefined;
}

/** Where TLS ends. */
export type StreamTls =
  /** The proxies do not look into the connection. */
  | { readonly kind: 'none' }
  /** In the proxies. */
  | { readonly kind: 'terminated'; readonly certificate: SecretRef; readonly alpn: readonly string[] }
  /** In the service. The proxies read only the requested name. */
  | { readonly kind: 'passthrough' };

export interface StreamOptions {
  /** The service receives the client's address in a PROXY protocol header, version 1. */
  readonly proxyProtocol: boolean;
  readonly allow?: readonly string[] | undefined;
  readonly deny?: readonly string[] | undefined;
  /** Open connections from one client address. */
  readonly connectionLimit?: number | undefined;
  /** In seconds. */
  readonly connectTimeout?: number | undefined;
  /** Time without data in both directions, in seconds. */
  readonly idleTimeout?: number | undefined;
  /** Number of datagrams from the service that end a UDP session. */
  readonly responses?: number | undefined;
}

/** Whether clients are distinguished by address. */
export function checksAddresses({ allow, deny, connectionLimit }: StreamOptions): boolean {
  return allow !== undefined || deny !== undefined || connectionLimit !== undefined;
}

/**
 * nginx checks addresses before it reads the name in the handshake. Beside other names, a second server behind the first
 * one checks them, which cannot send a correct PROXY header.
 */
export function needsWholePort({ tls, options }: StreamRoute): boolean {
  return tls.kind !== 'none' && options.proxyProtocol && checksAddresses(options);
}

/** `tcp/5432`, or with a name, `tcp/5432 db.example.org`. */
export function streamName({ protocol, port }: Pick<StreamRoute, 'protocol' | 'port'>, host?: Host): string {
  const name = host?.kind === 'regex' ? `~${host.name}` : host?.name;
  return `${protocol}/${port}${name === undefined ? '' : ` ${name}`}`;
}

export function streamNames(route: StreamRoute): string[] {
  const { hosts } = route;
  return hosts.length === 0 ? [streamName(route)] : hosts.map((host) => streamName(route, host)).toSorted(compareText);
}

/** The label that names its port, as the service wrote it. */
export function portLabel({ protocol, labels }: Pick<StreamRoute, 'protocol' | 'labels'>): string {
  return labelName(protocol === 'tcp' ? 'tcp_port' : 'udp_port', labels);
}

/** Ties only between equal routes. */
export function compareStreams(a: StreamRoute, b: StreamRoute): number {
  return (
    compareText(a.protocol, b.protocol) ||
    a.port - b.port ||
    compareOwners(a.service, b.service) ||
    compareText(JSON.stringify([a.hosts, a]), JSON.stringify([b.hosts, b]))
  );
}
