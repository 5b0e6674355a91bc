import type { Host } from '../hosts/host.ts';
import type { Match } from '../match.ts';
import type { PathPattern } from '../path-pattern.ts';
import type { Problem } from '../problem.ts';
import type { Redirect } from '../redirects.ts';
import type { GivenValue, Maintenance, RouteOptions, Tls } from '../route.ts';
import type { Upstream } from '../upstream.ts';

/** The routes merged by host and path, in the order of matching. */
export interface RouteTable {
  readonly upstreams: readonly Upstream[];
  /** Upstreams of services that end TLS themselves. */
  readonly passthroughs: readonly Upstream[];
  readonly servers: readonly VirtualServer[];
  /** The locations for unknown hosts; empty if there are none. */
  readonly fallback: readonly Location[];
  /** TLS for unknown hosts, or without a host name. */
  readonly fallbackTls: HostTls;
  readonly problems: readonly Problem[];
}

export interface VirtualServer {
  readonly host: Host;
  /** Redirect of requests over HTTP, from its oldest service. */
  readonly redirect: Redirect | undefined;
  /** The same over TLS. */
  readonly secureRedirect: Redirect | undefined;
  /** Redirect of all requests that have no redirect of their own to the host that the oldest service prefers. */
  readonly canonical: Canonical | undefined;
  /** Redirects of paths, the longest first. */
  readonly pathRedirects: readonly PathRedirect[];
  /** The maintenance that applies to the redirects. */
  readonly maintenance: Maintenance | undefined;
  readonly tls: HostTls;
  /** Of the account key that answers ACME challenges over HTTP; undefined if there are none. */
  readonly thumbprint: string | undefined;
  /** In the order of matching: several may have the same path. */
  readonly locations: readonly Location[];
}

export interface Canonical {
  readonly host: string;
  /** Redirects to HTTPS; otherwise the scheme is kept. */
  readonly sslOnly: boolean;
}

export interface PathRedirect {
  readonly path: string;
  /** Over HTTP. */
  readonly redirect: Redirect;
  /** Over TLS. */
  readonly secureRedirect: Redirect | undefined;
  /** The location that answers without the redirect; undefined if there is none. */
  readonly location: Location | undefined;
}

export type HostTls =
  | Exclude<Tls, { kind: 'passthrough' }>
  | { readonly kind: 'passthrough'; readonly upstream: string; readonly proxyProtocol: boolean };

export interface Location {
  readonly path: PathPattern;
  /** Only these requests. Absent: all that no other location of the path matches. */
  readonly match?: Match;
  /** Its share among the locations of the path with the same conditions. Absent: there are no others. */
  readonly weight?: number;
  readonly options: RouteOptions;
  /** Undefined: answers 503. */
  readonly upstream: string | undefined;
  /** The fallback that answers, because the services have no tasks. */
  readonly instead?: string;
  /** The clients that still reach the upstream while all services are under maintenance. */
  readonly maintenance: Maintenance | undefined;
  /** Answered only over TLS, which the service itself ends. */
  readonly isHandedOn: boolean;
  /** Answers 503 until there is a certificate. */
  readonly isPending: boolean;
  /** Names of the owners, the oldest first. */
  readonly services: readonly string[];
  /** Labels that the settings set, by service. Absent if there are none. */
  readonly given?: readonly ({ readonly service: string } & GivenValue)[];
}
