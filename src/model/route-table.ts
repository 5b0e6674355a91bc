import { DIGEST_LENGTH } from '../lib/digest.ts';
import { memoize } from '../lib/memo.ts';
import { changesBetween, createSorter } from '../lib/sorter.ts';
import { featureConflicts, featureUpstreams, lackedProtection, upstreamOptions } from './features/features.ts';
import { compareHosts, type Host } from './host.ts';
import type { BackendProtocol, LabelName } from './labels.ts';
import { isBelow } from './path.ts';
import type { Problem } from './problem.ts';
import type { Redirect } from './redirects.ts';
import {
  compareOwners,
  compareRoutes,
  compareText,
  type GivenValue,
  labelName,
  type Maintenance,
  type Route,
  type RouteOptions,
  type Tls,
} from './route.ts';
import { toUpstream, type Upstream } from './upstream.ts';

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
  readonly path: string;
  readonly options: RouteOptions;
  /** Undefined: answers 503. */
  readonly upstream: string | undefined;
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

/** The entries of one host in the table. */
interface HostClaims {
  readonly server: VirtualServer;
  readonly upstreams: readonly Upstream[];
  readonly passthroughs: readonly Upstream[];
  readonly problems: readonly Problem[];
}

/** By the readable part of the name. */
const compareNames = (a: Upstream, b: Upstream) =>
  compareText(a.name.slice(DIGEST_LENGTH), b.name.slice(DIGEST_LENGTH)) || compareText(a.name, b.name);

/** Returns the same table for the same list, and rebuilds only hosts whose routes have changed. */
export function createRouteTableBuilder(): (routes: readonly Route[]) => RouteTable {
  const hostIndex = new HostIndex();
  const sortHosts = createSorter((a: HostClaims, b: HostClaims) => compareHosts(a.server.host, b.server.host));
  const sortUpstreams = createSorter(compareNames);
  const sortPassthroughs = createSorter(compareNames);
  return memoize((routes) => {
    const hosts = sortHosts(hostIndex.update(routes));
    const defaults = routes.filter(({ isDefault }) => isDefault).toSorted(compareAge);
    const fallback = claim(defaults, '*');
    const all = [...hosts, fallback];
    return {
      upstreams: withoutRepeats(sortUpstreams(all.flatMap(({ upstreams }) => upstreams))),
      servers: hosts.map(({ server }) => server),
      fallback: fallback.locations,
      fallbackTls: fallback.tls,
      passthroughs: withoutRepeats(sortPassthroughs(all.flatMap(({ passthroughs }) => passthroughs))),
      problems: all.flatMap(({ problems }) => problems),
    };
  });
}

/** Upstreams with the same name are equal: several hosts use them. */
function withoutRepeats(sorted: readonly Upstream[]): Upstream[] {
  return sorted.filter(({ name }, position) => name !== sorted[position - 1]?.name);
}

interface Claimed {
  readonly host: Host;
  readonly owners: Set<Route>;
  claims: HostClaims | undefined;
}

/** The claims of each host, updated incrementally from one list of routes to the next. */
class HostIndex {
  #routes: readonly Route[] = [];
  readonly #claimed = {
    exact: new Map<string, Claimed>(),
    wildcard: new Map<string, Claimed>(),
    regex: new Map<string, Claimed>(),
  };

  update(routes: readonly Route[]): HostClaims[] {
    const { removed, added } = changesBetween(this.#routes, routes);
    this.#routes = routes;
    for (const route of removed) for (const host of route.hosts) this.#release(host, route);
    for (const route of added) for (const host of route.hosts) this.#claim(host, route);
    return Object.values(this.#claimed).flatMap((claimed) => [...claimed.values()].map(claimsOf));
  }

  #release({ kind, name }: Host, route: Route): void {
    const claimed = this.#claimed[kind].get(name);
    claimed?.owners.delete(route);
    if (claimed?.owners.size === 0) this.#claimed[kind].delete(name);
    else if (claimed) claimed.claims = undefined;
  }

  #claim(host: Host, route: Route): void {
    const claimed = this.#claimed[host.kind].get(host.name) ?? { host, owners: new Set(), claims: undefined };
    claimed.owners.add(route);
    claimed.claims = undefined;
    this.#claimed[host.kind].set(host.name, claimed);
  }
}

/** Shared by callers that use the same lists one after the other. */

function claimsOf(claimed: Claimed): HostClaims {
  claimed.claims ??= buildHost(claimed.host, [...claimed.owners].toSorted(compareRoutes));
  return claimed.claims;
}

function buildHost(host: Host, owners: readonly Route[]): HostClaims {
  const { problems, locations, tls, ...others } = claim(owners, host.name);
  const redirect = redirectOf(owners, host);
  const secureRedirect = redirectOf(owners, host, true);
  const pathRedirects = pathRedirectsOf(owners, host, locations);
  const isRedirected = redirect !== undefined || pathRedirects.length > 0;
  const canonical = isRedirected ? undefined : canonicalOf(owners, host);
  const { thumbprint } = owners.find(({ acme }) => acme?.thumbprint !== undefined)?.acme ?? {};
  return {
    ...others,
    server: {
      host,
      redirect,
      secureRedirect,
      canonical,
      pathRedirects,
      maintenance: owners[0]!.maintenance,
      tls,
      thumbprint,
      locations,
    },
    problems: [...redirectDisagreements(owners, host), ...problems],
  };
}

/** Merges the routes that share a name. */
function claim(owners: readonly Route[], host: string) {
  const upstreams = new Map<string, Upstream>();
  const passthroughs = new Map<string, Upstream>();
  const problems: Problem[] = [];
  const tls = buildTls(owners, host, passthroughs, problems);
  const locations = buildLocations(owners, host, tls, upstreams, problems);
  return { tls, locations, problems, upstreams: [...upstreams.values()], passthroughs: [...passthroughs.values()] };
}

/** A host has at most one certificate: the one of its oldest service with TLS. */
function buildTls(
  owners: readonly Route[],
  host: string,
  passthroughs: Map<string, Upstream>,
  problems: Problem[],
): HostTls {
  const [first, ...others] = owners.filter(({ tls }) => tls.kind === 'terminated' || tls.kind === 'passthrough');
  if (!first) return owners.some(({ tls }) => tls.kind === 'closed') ? { kind: 'closed' } : withoutTls(owners);
  for (const other of others.filter(({ tls }) => JSON.stringify(tls) !== JSON.stringify(first.tls)))
    problems.push(disagreement(tlsLabel(first, other), first, other, host));
  const { tls } = first;
  if (tls.kind !== 'passthrough') return tls;
  // An encrypted connection cannot be answered with a page.
  const handedOn = owners.filter((owner) => owner.tls.kind === 'passthrough' && owner.maintenance === undefined);
  const upstream = addUpstream(handedOn, first.options, passthroughs);
  return upstream === undefined ? { kind: 'closed' } : { ...tls, upstream };
}

/** A balancer in front may end TLS: the HSTS setting of the oldest service then applies. */
function withoutTls(owners: readonly Route[]): HostTls {
  const asking = owners.find(({ tls }) => tls.kind === 'none' && tls.hsts)?.tls;
  return { kind: 'none', ...(asking?.kind === 'none' && asking.hsts ? { hsts: asking.hsts } : {}) };
}

function tlsLabel({ tls: a, labels }: Route, { tls: b, labels: own }: Route): LabelName {
  if (a.kind !== b.kind) return own?.deciding.tls ?? labels?.deciding.tls ?? 'ssl_passthrough';
  if (a.kind !== 'terminated' || b.kind !== 'terminated') return 'ssl_passthrough_proxy_protocol';
  if (a.certificate !== b.certificate) return 'ssl_cert';
  if (a.key !== b.key) return 'ssl_key';
  return a.clientCa === b.clientCa ? 'hsts' : 'ssl_client_ca';
}

/** One location for each path. Services with the same path share it, weighted by the number of their tasks. */
function buildLocations(
  routes: readonly Route[],
  host: string,
  tls: HostTls,
  upstreams: Map<string, Upstream>,
  problems: Problem[],
): Location[] {
  const byPath = Map.groupBy(routes, ({ path }) => path);
  return [...byPath]
    .toSorted(([a], [b]) => b.length - a.length || compareText(a, b))
    .map(([path, sharing]) => {
      const owners = sharing.toSorted(compareAge);
      problems.push(...disagreements(owners, host));
      const maintenance = sharedMaintenance(owners);
      const lacks = owners.map((owner) => lacking(owner, owners[0]!, tls));
      problems.push(...owners.flatMap((owner, n) => (lacks[n] ? unprotected(lacks[n], owner, host) : [])));
      const protectedOwners = owners.filter((_, n) => lacks[n] === undefined);
      const upstream = addUpstream(answering(protectedOwners, maintenance), owners[0]!.options, upstreams);
      if (upstream !== undefined)
        for (const asked of featureUpstreams(owners[0]!.options)) upstreams.set(asked.name, asked);
      const isHandedOn = owners.some((owner) => owner.tls.kind === 'passthrough' && isOpen(owner));
      const services = [...new Set(owners.map(({ service }) => service.name))];
      const given = owners.flatMap(({ service: { name: service }, labels }) =>
        (labels?.given ?? []).map((value) => ({ service, ...value })),
      );
      const isPending = owners.some(({ acme }) => acme?.isPending);
      const location = { path, options: owners[0]!.options, upstream, maintenance, isHandedOn, isPending, services };
      return given.length === 0 ? location : { ...location, given };
    });
}

function isOpen({ backend, maintenance }: Route): boolean {
  return backend.kind === 'peers' && maintenance === undefined;
}

/** The maintenance of the oldest closed service, if no other service answers. */
function sharedMaintenance(owners: readonly Route[]): Maintenance | undefined {
  return owners.some(isOpen) ? undefined : owners.find(({ maintenance }) => maintenance !== undefined)?.maintenance;
}

/** Services that end TLS themselves do not answer over HTTP. Closed services answer only allowed clients. */
function answering(owners: readonly Route[], closed: Maintenance | undefined): readonly Route[] {
  const plain = owners.filter(({ tls }) => tls.kind !== 'passthrough');
  if (closed === undefined) return plain.filter(({ maintenance }) => maintenance === undefined);
  return closed.allow.length > 0 ? plain : [];
}

/**
 * The protection that a route requires but does not get, because an older one decides for the host or the path. Such a route is left out: its owner
 * ruled out answers without protection.
 */
function lacking({ tls, options }: Route, oldest: Route, hostTls: HostTls): LabelName | undefined {
  const { backendCa, backendName } = oldest.options;
  if (options.backendCa !== '' && (options.backendCa !== backendCa || options.backendName !== backendName))
    return 'ssl_backend_ca';
  const [feature] = lackedProtection(options, oldest.options);
  if (feature !== undefined) return featureConflicts[feature];
  if (options.clientCertificate !== 'required' || tls.kind !== 'terminated') return undefined;
  const isAsked = hostTls.kind === 'terminated' && hostTls.clientCa === tls.clientCa;
  return isAsked && oldest.options.clientCertificate === 'required' ? undefined : 'ssl_client_ca';
}

function unprotected(label: LabelName, route: Route, host: string): Problem {
  const { service } = route;
  return shared(label, route, host, {
    severity: 'error',
    reason: `${label} of ${service.name} requires protection that an older service on the same hosts does not have, so ${service.name} is ignored`,
    remedy: 'Set the same protective labels on both services, or choose another host.',
  });
}

/** Requests over HTTP are redirected to HTTPS, unless HTTPS could not answer either. */
export function leadsToTls({ options, upstream, isHandedOn }: Location): boolean {
  const isAsked = options.sslOnly || options.clientCertificate === 'required';
  return isAsked && (upstream !== undefined || isHandedOn);
}

/**
 * The part of the path that the application does not receive: the context root, or nothing in front of the rest if a
 * backend path is put there. Undefined if it receives the path unchanged, as for gRPC, whose paths are method names.
 */
export function strippedRoot({ path, options }: Pick<Location, 'path' | 'options'>): string | undefined {
  if (isGrpc(options.protocol)) return undefined;
  if (options.rewrite && path !== '') return path;
  return options.backendPath === undefined ? undefined : '';
}

export function isGrpc(protocol: BackendProtocol): boolean {
  return protocol === 'grpc' || protocol === 'grpcs';
}

/** A service may have several routes on a host: any of them may set the redirect. */
function redirectOf(owners: readonly Route[], { kind, name }: Host, secure = false): Redirect | undefined {
  const { id } = owners[0]!.service;
  const own = owners.filter(({ service }) => service.id === id).flatMap(({ redirects }) => redirects);
  return kind === 'exact' ? own.find((redirect) => redirect.host === name && (redirect.secure || !secure)) : undefined;
}

/** A redirect applies to the whole host: owners of other routes on it must be informed. */
function redirectDisagreements(owners: readonly Route[], host: Host): Problem[] {
  const wanted = redirectOf(owners, host)?.target;
  const canonical = canonicalOf(owners, host)?.host;
  const services = [...Map.groupBy(owners, ({ service }) => service.id).values()];
  return services.flatMap((own) => [
    ...(redirectOf(own, host)?.target === wanted ? [] : [disagreement('redirects', owners[0]!, own[0]!, host.name)]),
    ...(canonicalOf(own, host)?.host === canonical
      ? []
      : [disagreement('canonical_host', owners[0]!, own[0]!, host.name)]),
  ]);
}

function canonicalOf(owners: readonly Route[], { kind, name }: Host): Canonical | undefined {
  const { id } = owners[0]!.service;
  const asking = owners.find(({ service, canonicalHost }) => service.id === id && canonicalHost !== undefined);
  if (asking?.canonicalHost === undefined || (kind === 'exact' && name === asking.canonicalHost)) return undefined;
  const { sslOnly, clientCertificate } = asking.options;
  return { host: asking.canonicalHost, sslOnly: sslOnly || clientCertificate === 'required' };
}

/**
 * A route may redirect paths that it would answer itself, and the oldest service of the host also those that no route
 * answers.
 */
function pathRedirectsOf(
  owners: readonly Route[],
  { kind, name }: Host,
  locations: readonly Location[],
): readonly PathRedirect[] {
  if (kind !== 'exact') return [];
  const found = new Map<string, PathRedirect>();
  for (const route of owners) {
    for (const redirect of (route.pathRedirects ?? []).filter(({ host }) => host === name)) {
      const { path } = redirect;
      const location = locations.find((candidate) => isBelow(path, candidate.path));
      if (!mayRedirect(route, owners, location)) continue;
      const known = found.get(path) ?? { path, redirect, secureRedirect: undefined, location };
      found.set(path, { ...known, secureRedirect: known.secureRedirect ?? (redirect.secure ? redirect : undefined) });
    }
  }
  return [...found.values()].toSorted((a, b) => b.path.length - a.path.length || compareText(a.path, b.path));
}

function mayRedirect(route: Route, owners: readonly Route[], location: Location | undefined): boolean {
  if (location === undefined) return route.service.id === owners[0]!.service.id;
  const [oldest] = owners.filter(({ path }) => path === location.path).toSorted(compareAge);
  return oldest === route;
}

function compareAge(a: Route, b: Route): number {
  return compareOwners(a.service, b.service);
}

const OPTION_LABELS = {
  rewrite: 'context_root_rewrite',
  sslOnly: 'ssl_only',
  protocol: 'backend_protocol',
  backendCa: 'ssl_backend_ca',
  backendName: 'ssl_backend_name',
  clientCertificate: 'ssl_client_verify',
  affinity: 'sticky_session_cookie',
  ...featureConflicts,
} as const satisfies Record<keyof RouteOptions, LabelName>;

function disagreements([oldest, ...others]: readonly Route[], host: string): Problem[] {
  const names = Object.keys(OPTION_LABELS) as (keyof RouteOptions)[];
  const differs = (a: Route, b: Route, name: keyof RouteOptions) =>
    JSON.stringify(a.options[name]) !== JSON.stringify(b.options[name]);
  return others.flatMap((other) =>
    names
      .filter((name) => differs(oldest!, other, name))
      .map((name) => disagreement(optionLabel(name, oldest!, other), oldest!, other, host)),
  );
}

/** The label that this service wrote; otherwise the older service's label that this one lacks. */
function optionLabel(option: keyof RouteOptions, { labels: older }: Route, { labels: own }: Route): LabelName {
  return own?.deciding[option] ?? older?.deciding[option] ?? OPTION_LABELS[option];
}

function disagreement(label: LabelName, oldest: Route, other: Route, host: string): Problem {
  const { service } = other;
  return shared(label, other, host, {
    severity: 'warning',
    reason: `${label} of ${service.name} conflicts with ${oldest.service.name}, an older service on the same hosts, whose value applies`,
    remedy: 'Set the same value on both services.',
  });
}

/** Two services may share many hosts: that is one problem. */
function shared(
  name: LabelName,
  { service: { name: service }, path, labels }: Route,
  host: string,
  { severity, ...problem }: Pick<Problem, 'severity' | 'reason' | 'remedy'>,
): Problem {
  const label = labelName(name, labels);
  return { severity, service, label, ...problem, affects: [{ service, label, routes: [host + (path || '/')] }] };
}

/** Locations with the same peers share one upstream and its kept connections. */
function addUpstream(
  owners: readonly Route[],
  { affinity, protocol, backendCa, backendName, ...others }: RouteOptions,
  upstreams: Map<string, Upstream>,
): string | undefined {
  const peers = owners.flatMap(({ backend }) => (backend.kind === 'peers' ? backend.peers : []));
  const verification = backendCa || backendName ? [backendCa, backendName] : [];
  const connection = [...(protocol === 'http' ? [] : [protocol]), ...verification];
  const upstream = toUpstream(peers, affinity, connection, upstreamOptions(others));
  if (upstream) upstreams.set(upstream.name, upstream);
  return upstream?.name;
}
