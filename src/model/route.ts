import type { Host } from './host.ts';
import { type BackendProtocol, type ClientCertificate, LABEL_PREFIX, type LabelName, type Redirect } from './labels.ts';

/**
 * A route: host and path → service. One service may have several. Routes are all that an extension is told: flat, complete
 * in themselves, and cheap to leave out one by one.
 */
export interface Route {
  readonly service: RouteOwner;
  readonly hosts: readonly Host[];
  /** Answers for every host that nobody else answers to. */
  readonly isDefault: boolean;
  /** Prefix of whole path segments, without trailing slash; '' is the whole host. */
  readonly path: string;
  /** Hosts whose requests over HTTP are sent elsewhere. */
  readonly redirects: readonly Redirect[];
  readonly options: RouteOptions;
  readonly tls: Tls;
  readonly backend: Backend;
  /** Absent while nobody works on it. */
  readonly maintenance?: Maintenance | undefined;
  /** The labels that the user wrote, for problems about what routes share. Absent if they follow from the options. */
  readonly labels?: RouteLabels | undefined;
}

/** Which labels a route comes from. */
export interface RouteLabels {
  /** '' for plain labels, the number of a numbered group, or the complete label of the HTTP Routing Mesh. */
  readonly group: string;
  /** The label that decided, for options that several labels can decide. */
  readonly deciding: Deciding;
}

export type Deciding = Readonly<Partial<Record<keyof RouteOptions | 'tls', LabelName>>>;

/** The complete label, as the user wrote it or would have to write it. */
export function labelName(name: LabelName, labels?: Pick<RouteLabels, 'group'>): string {
  const group = labels?.group ?? '';
  if (group === '') return LABEL_PREFIX + name;
  return /^\d+$/.test(group) ? `${LABEL_PREFIX}${group}.${name}` : group;
}

/** Closed for a while: answers 503 to all but these clients. */
export interface Maintenance {
  /** Addresses and networks, sorted. */
  readonly allow: readonly string[];
}

/** Where TLS ends for the hosts of a route. Where services share a host, that of the oldest with TLS holds. */
export type Tls =
  | { readonly kind: 'none'; readonly hsts?: string | undefined }
  /** In the proxies. */
  | Terminated
  /** In the service, which gets the connections as they are. */
  | { readonly kind: 'passthrough'; readonly proxyProtocol: boolean }
  /** Asked for, and wrong: no handshake succeeds. */
  | { readonly kind: 'closed' };

export interface Terminated {
  readonly kind: 'terminated';
  readonly certificate: SecretRef;
  readonly key: SecretRef;
  /** What the certificate's responder of OCSP says is handed out with it. */
  readonly isStapled: boolean;
  readonly hsts: string;
  /** What certificates of clients must be signed by; '' where none are asked for. */
  readonly clientCa: SecretRef | '';
}

/** A Docker secret, by the name under which the proxies find it. */
export type SecretRef = string;

/** How requests are handed on. Where services share a host and path, those of the oldest hold. */
export interface RouteOptions {
  /** The path is taken off before the request reaches the service. */
  readonly rewrite: boolean;
  /** Requests over HTTP are sent to HTTPS. */
  readonly sslOnly: boolean;
  readonly protocol: BackendProtocol;
  /** What the service's certificate must be signed by; '' where it is not verified. */
  readonly backendCa: SecretRef | '';
  /** Name that is asked for in TLS to the service; '' is the host that the client asked for. */
  readonly backendName: string;
  readonly clientCertificate: ClientCertificate;
  readonly affinity: Affinity;
  /** Room for the headers of a response, in KiB; 0 is the cluster's. */
  readonly responseHeaderKb: number;
}

/** Which task a client is sent to again. */
export type Affinity =
  | { readonly kind: 'none' }
  | { readonly kind: 'cookie'; readonly name: string }
  | { readonly kind: 'address' };

export interface RouteOwner {
  readonly id: string;
  readonly name: string;
  /** RFC 3339; the older one wins a tie. */
  readonly createdAt: string;
}

export type Backend =
  | { readonly kind: 'peers'; readonly peers: readonly Peer[] }
  /** Answers 503: no task is wanted, or a label that must not be wrong is wrong. */
  | { readonly kind: 'unavailable' };

export interface Peer {
  /** Name in the engine's DNS, or an address. */
  readonly address: string;
  readonly port: number;
  /** Follow the name while it changes. */
  readonly resolve: boolean;
  /** The name has upper-case letters where Docker's DNS is case-sensitive: in the name of the network. */
  readonly exactCase?: true | undefined;
  /** Swarm spreads connections to it over the tasks of the service. */
  readonly virtual?: true | undefined;
  /** nginx's default where absent: 1. */
  readonly maxFails?: number | undefined;
  /** nginx's default where absent: 10s. */
  readonly failTimeout?: string | undefined;
}

/** nginx resolves such an upstream through the relay of our proxy, see name-case.ts. */
export function needsNameRelay(peers: readonly Peer[]): boolean {
  return peers.some(({ exactCase }) => exactCase);
}

export function compareOwners(a: RouteOwner, b: RouteOwner): number {
  return compareText(a.createdAt, b.createdAt) || compareText(a.id, b.id);
}

/** Leaves no ties but between equal routes. */
export function compareRoutes(a: Route, b: Route): number {
  return (
    compareOwners(a.service, b.service) ||
    compareText(a.path, b.path) ||
    compareText(JSON.stringify([a.hosts, a]), JSON.stringify([b.hosts, b]))
  );
}

/** By code unit: locale-aware comparison would make bytes depend on the machine. */
export function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** `app.example.org/path`; without a host, for unknown hosts. */
export function routeName(host: Host | undefined, path: string): string {
  const name = host?.kind === 'regex' ? `~${host.name}` : (host?.name ?? '*');
  return name + (path || '/');
}

export function routeNames({ hosts, isDefault, path }: Pick<Route, 'hosts' | 'isDefault' | 'path'>): string[] {
  const names = hosts.map((host) => routeName(host, path));
  return [...names, ...(isDefault ? [routeName(undefined, path)] : [])].toSorted(compareText);
}
