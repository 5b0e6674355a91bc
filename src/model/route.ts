import { memoize } from '../lib/memo.ts';
import type { FeatureOptions } from './features/features.ts';
import type { Host } from './hosts/host.ts';
import { LABEL_PREFIX } from './labels/label.ts';
import type { LabelName } from './labels/labels.ts';
import type { Match } from './match.ts';
import type { PathPattern } from './path-pattern.ts';
import type { Redirect } from './redirects.ts';

/**
 * A route: host and path → service. A service may have several. An extension receives only routes: flat, self-contained, and easy to omit one by one.
 */
export interface Route {
  readonly service: RouteOwner;
  readonly hosts: readonly Host[];
  /** Answers for all unknown hosts. */
  readonly isDefault: boolean;
  readonly path: PathPattern;
  /** Only these requests. Absent: all. */
  readonly match?: Match | undefined;
  /** Its share among the routes of the host and path with the same conditions, if all have one. */
  readonly weight?: number | undefined;
  /** Hosts whose requests are redirected, whatever the path. */
  readonly redirects: readonly Redirect[];
  /** Paths whose requests are redirected. */
  readonly pathRedirects?: readonly Redirect[] | undefined;
  /** The host that requests for all other hosts are redirected to. */
  readonly canonicalHost?: string | undefined;
  readonly options: RouteOptions;
  readonly tls: Tls;
  readonly backend: Backend;
  /** Absent unless an ACME server issues the certificates. */
  readonly acme?: AcmeOrder | undefined;
  /** Absent unless under maintenance. */
  readonly maintenance?: Maintenance | undefined;
  /** The labels that the user wrote, for problems of shared routes. Absent if they follow from the options. */
  readonly labels?: RouteLabels | undefined;
}

/** How the certificates of the hosts are ordered. */
export interface AcmeOrder {
  readonly issuer: string;
  /** Of the account key: the proxies answer challenges over HTTP with it. Absent for other challenges. */
  readonly thumbprint?: string | undefined;
  /** There is no certificate yet. */
  readonly isPending?: true | undefined;
}

/** The labels that define a route. */
export interface RouteLabels {
  /** '' for plain labels, the number of a numbered group, or the complete label of the HTTP Routing Mesh. */
  readonly group: string;
  /** The label that decided, for options that several labels can decide. */
  readonly deciding: Deciding;
  /** Values that the settings set. Absent if the service set all of them. */
  readonly given?: readonly GivenValue[] | undefined;
}

/** A label's value that the settings set. */
export interface GivenValue {
  /** Name of the label after the prefix. */
  readonly name: string;
  readonly value: string;
  /** The key in the settings. */
  readonly key: string;
  /** The part of the settings, such as `policy office`. */
  readonly from: string;
}

export type Deciding = Readonly<Partial<Record<keyof RouteOptions | 'tls', LabelName>>>;

/** The complete label, as the user wrote it or would have to write it; the key of the settings if they set it. */
export function labelName(name: LabelName, labels?: Pick<RouteLabels, 'group' | 'given'>): string {
  const given = labels?.given?.find((value) => value.name === name);
  if (given !== undefined) return given.key;
  const group = labels?.group ?? '';
  if (group === '') return LABEL_PREFIX + name;
  return /^\d+$/.test(group) ? `${LABEL_PREFIX}${group}.${name}` : group;
}

/** Under maintenance: answers 503 to all clients except these. */
export interface Maintenance {
  /** Addresses and networks, sorted. */
  readonly allow: readonly string[];
}

/** Where TLS ends for the hosts of a route. If services share a host, the oldest one with TLS decides. */
export type Tls =
  | { readonly kind: 'none'; readonly hsts?: string | undefined }
  /** In the proxies. */
  | Terminated
  /** In the service, which receives the connections unchanged. */
  | { readonly kind: 'passthrough'; readonly proxyProtocol: boolean }
  /** Requested, but invalid: all handshakes fail. */
  | { readonly kind: 'closed' };

export interface Terminated {
  readonly kind: 'terminated';
  readonly certificate: SecretRef;
  readonly key: SecretRef;
  /** The OCSP response is stapled to the certificate. */
  readonly isStapled: boolean;
  readonly hsts: string;
  /** The CA that must have signed clients' certificates; '' if they are not requested. */
  readonly clientCa: SecretRef | '';
  /** Lists of client certificates that were revoked. Absent if none is checked. */
  readonly clientCrl?: SecretRef | undefined;
  /** The TLS versions, in nginx's format. Absent for those of the cluster. */
  readonly protocols?: string | undefined;
}

/** A Docker secret, by its file name in the proxies. */
export type SecretRef = string;

/** How requests are forwarded: the values of the features. If services share a host and path, the oldest decides. */
export type RouteOptions = FeatureOptions;

export interface RouteOwner {
  readonly id: string;
  readonly name: string;
  /** RFC 3339. The older service takes precedence. */
  readonly createdAt: string;
}

export type Backend =
  | { readonly kind: 'peers'; readonly peers: readonly Peer[] }
  /** Answers 503: no tasks are desired, or a required label is invalid. */
  | {
      readonly kind: 'unavailable';
      /** There are no tasks, so its fallback answers. Absent if a label closes the route. */
      readonly isIdle?: true | undefined;
    };

export interface Peer {
  /** Name in Docker's DNS, or an address. */
  readonly address: string;
  readonly port: number;
  /** Resolves the name again when it changes. */
  readonly resolve: boolean;
  /** The name has upper-case letters in its network's name, where Docker's DNS is case-sensitive. */
  readonly exactCase?: true | undefined;
  /** Swarm balances its connections over the tasks of the service. */
  readonly virtual?: true | undefined;
  /** Defaults to nginx's default: 1. */
  readonly maxFails?: number | undefined;
  /** Defaults to nginx's default: 10s. */
  readonly failTimeout?: string | undefined;
}

/** nginx resolves such an upstream through the proxy's relay, see name-case.ts. */
export function needsNameRelay(peers: readonly Peer[]): boolean {
  return peers.some(({ exactCase }) => exactCase);
}

/** The route with some of its hosts. */
export function withHosts(route: Route, hosts: readonly Host[], isDefault: boolean): Route {
  const names = new Set(hosts.filter(({ kind }) => kind === 'exact').map(({ name }) => name));
  const { canonicalHost, pathRedirects, ...others } = route;
  return {
    ...others,
    hosts,
    isDefault,
    redirects: route.redirects.filter(({ host }) => names.has(host)),
    ...(pathRedirects && { pathRedirects: pathRedirects.filter(({ host }) => names.has(host)) }),
    ...(canonicalHost !== undefined && names.has(canonicalHost) ? { canonicalHost } : {}),
  };
}

export function withoutTasks({ fallback }: RouteOptions): Backend {
  return { kind: 'unavailable', ...(fallback && { isIdle: true }) };
}

/** The same route, closed: it answers 503. */
export const unavailable = memoize((route: Route): Route => ({ ...route, backend: { kind: 'unavailable' } }));

export function compareOwners(a: RouteOwner, b: RouteOwner): number {
  return compareText(a.createdAt, b.createdAt) || compareText(a.id, b.id);
}

/** Ties only between equal routes. */
export function compareRoutes(a: Route, b: Route): number {
  return (
    compareOwners(a.service, b.service) ||
    compareText(a.path, b.path) ||
    compareText(JSON.stringify([a.hosts, a]), JSON.stringify([b.hosts, b]))
  );
}

/** Compares code units: a locale-aware comparison would depend on the machine. */
export function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** `app.example.org/path`, `app.example.org=/path` for an exact path; without a host, for unknown hosts. */
export function routeName(host: Host | undefined, path: string): string {
  const name = host?.kind === 'regex' ? `~${host.name}` : (host?.name ?? '*');
  return name + (path || '/');
}

export function routeNames({ hosts, isDefault, path }: Pick<Route, 'hosts' | 'isDefault' | 'path'>): string[] {
  const names = hosts.map((host) => routeName(host, path));
  return [...names, ...(isDefault ? [routeName(undefined, path)] : [])].toSorted(compareText);
}
