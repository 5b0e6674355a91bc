import { compareHosts, type Host } from './host.ts';
import type { RejectedClaim } from './host-ownership.ts';
import { nearest } from './nearest.ts';
import { encodePath, isBelow, resolveSegments } from './path.ts';
import type { Redirect, RedirectStatus } from './redirects.ts';
import type { Maintenance } from './route.ts';
import {
  type Canonical,
  type Location,
  leadsToTls,
  type PathRedirect,
  type RouteTable,
  strippedRoot,
  type VirtualServer,
} from './route-table.ts';
import { stripRoot } from './stripped-path.ts';

/** Explains which route of a cluster answers a URL, and why others do not. Computed without a request to the proxies. */
export interface Explanation {
  /** The parsed URL: complete, with the host as routes are matched against it. */
  readonly url: string;
  readonly answer: Answer;
  /** The steps that led to the answer, a sentence each. */
  readonly because: readonly string[];
  /** Routes that could have answered as well, the closest first. */
  readonly passedOver: readonly PassedOver[];
  /** Labels of the route that the settings set, not its services. */
  readonly fromSettings: readonly SettingsValue[];
}

export interface SettingsValue {
  readonly service: string;
  /** Name after the prefix. */
  readonly label: string;
  readonly value: string;
  /** `policy office`, or a table of the settings. */
  readonly from: string;
}

export type Answer =
  /** A task of the route's services receives `requestUri`. */
  | { readonly kind: 'service'; readonly route: ExplainedRoute; readonly requestUri: string }
  /** For GET and HEAD. From HTTP to HTTPS, other methods receive 308 instead of 301. */
  | { readonly kind: 'redirect'; readonly status: RedirectStatus; readonly location: string }
  /** 503: the route has no tasks. */
  | { readonly kind: 'unavailable'; readonly route: ExplainedRoute }
  /** 503 to all clients that are not on the list: under maintenance. */
  | { readonly kind: 'maintenance'; readonly allow: readonly string[] }
  /** 404: the host has routes, but none for this path. */
  | { readonly kind: 'no-path' }
  /** 503: no route has the host. */
  | { readonly kind: 'no-host' }
  /** 400: the path leads above the root. */
  | { readonly kind: 'bad-request' }
  /** The TLS handshake is rejected. */
  | { readonly kind: 'no-certificate' };

export interface ExplainedRoute {
  /** The host as the service wrote it; `*` for all unknown hosts. */
  readonly host: string;
  /** Prefix of the path; `/` matches every path. */
  readonly path: string;
  /** Names of the owners, the oldest first. */
  readonly services: readonly string[];
}

export interface PassedOver {
  readonly route: ExplainedRoute;
  readonly reason: string;
}

/** Undefined if the text is not an HTTP or HTTPS URL; the scheme is optional. `httpsPort` is the public port. */
export function explainUrl(
  table: RouteTable,
  text: string,
  httpsPort: number,
  rejectedClaims: readonly RejectedClaim[] = [],
): Explanation | undefined {
  const request = parseRequest(text);
  if (request === undefined) return undefined;
  const { url, host, path, uri, isSecure } = request;
  const asked = { ...request, httpsPort };
  const site = isSecure ? chooseSecureSite(table, host) : chooseSite(table.servers, table, host);
  const refused = rejectedClaims
    .filter((claim) => claim.host === undefined || answersTo(claim.host, host))
    .map(refusedRoute);
  const told = (step: Step, passedOver: readonly PassedOver[] = [], location?: Location): Explanation => ({
    url,
    answer: step.answer,
    because: [...site.because, ...step.because],
    passedOver: [...passedOver, ...site.passedOver, ...refused],
    fromSettings: (location?.given ?? []).map(({ service, name: label, value, from }) => ({
      service,
      label,
      value,
      from,
    })),
  });
  if (isSecure && site.tls.kind !== 'terminated') {
    const handedOn = site.locations.find(({ isHandedOn }) => isHandedOn);
    return told(withoutTermination(site, host, uri), [], handedOn);
  }
  if (path === undefined) {
    const because = ['The path leads above the root.'];
    return { url, answer: { kind: 'bad-request' }, because, passedOver: [], fromSettings: [] };
  }
  const redirect = isSecure ? site.secureRedirect : site.redirect;
  if (redirect !== undefined)
    return told(site.maintenance === undefined ? redirected(redirect, uri, isSecure) : closed(site.maintenance));
  if (site.canonical !== undefined)
    return told(site.maintenance === undefined ? toCanonical(site.canonical, asked) : closed(site.maintenance));
  const pathRedirect = choosePathRedirect(site, path, isSecure);
  if (pathRedirect !== undefined) return told(redirectedPath(pathRedirect, site, asked), [], pathRedirect.location);
  const { location, because, passedOver } = chooseLocation(site, path);
  const step = location === undefined ? nowhere(site) : answerAt(site.name, location, asked);
  return told({ answer: step.answer, because: [...because, ...step.because] }, passedOver, location);
}

/** Whether the text is an HTTP or HTTPS URL; the scheme is optional. */
export function isExplainable(text: string): boolean {
  return parseRequest(text) !== undefined;
}

interface Request {
  readonly url: string;
  readonly isSecure: boolean;
  readonly host: string;
  /** '' if the URL names none. */
  readonly port: string;
  /** As routes are matched against it; undefined if it leads above the root. */
  readonly path: string | undefined;
  /** Path and query as the client sends them. */
  readonly uri: string;
}

function parseRequest(text: string): Request | undefined {
  const trimmed = text.trim();
  const url = URL.parse(/^[a-z][a-z0-9+.-]*:\/\//i.test(trimmed) ? trimmed : `http://${trimmed}`);
  if (url === null || !['http:', 'https:'].includes(url.protocol)) return undefined;
  url.hash = '';
  const { href, hostname, port, pathname, search } = url;
  return {
    url: href,
    isSecure: url.protocol === 'https:',
    host: hostname.replace(/\.$/, ''),
    port,
    path: normalisePath(pathname),
    uri: pathname + search,
  };
}

/** Normalizes as nginx does before it selects a location: decodes escapes, merges slashes, resolves dot segments. */
function normalisePath(path: string): string | undefined {
  const decoded = decodeBytes(path);
  return decoded.includes('\0') ? undefined : resolveSegments(decoded);
}

/** Bytes that are not UTF-8 match no context root: they become replacement characters. */
function decodeBytes(path: string): string {
  const bytes = path.replaceAll(/%([0-9a-f]{2})/gi, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 16)),
  );
  return Buffer.from(bytes, 'latin1').toString();
}

/** The routing of one host. */
interface Site extends Omit<VirtualServer, 'host'> {
  readonly name: string;
  readonly because: readonly string[];
  readonly passedOver: readonly PassedOver[];
}

function chooseSite(servers: readonly VirtualServer[], table: RouteTable, host: string): Site {
  const [server, ...outranked] = ranked(servers, host);
  if (server === undefined) return unknownHost(table, host);
  const passedOver = [
    ...outranked.flatMap((other) => passOver(other.host.name, other.locations, outranks(server.host))),
    ...passOver('*', table.fallback, `The default backend serves only hosts that match no service.`),
  ];
  const because = [`The host ${host} matches ${describeHost(server.host)}.`];
  return { ...server, name: server.host.name, because, passedOver };
}

/** Over TLS, only hosts with a certificate are known, unless the first match is passed through: nginx checks that earlier. */
function chooseSecureSite(table: RouteTable, host: string): Site {
  const [first] = ranked(table.servers, host);
  if (first?.tls.kind === 'passthrough') return chooseSite(table.servers, table, host);
  const secured = table.servers.filter(({ tls }) => tls.kind === 'terminated' || tls.kind === 'closed');
  const site = chooseSite(secured, table, host);
  if (first === undefined || site.name !== '*') return site;
  // It is not passed through with unknown hosts, although nginx does not know it either.
  const tls = site.tls.kind === 'passthrough' ? ({ kind: 'none' } as const) : site.tls;
  return {
    ...site,
    tls,
    because: [`The host ${host} matches ${describeHost(first.host)}, which has no certificate.`],
  };
}

function ranked(servers: readonly VirtualServer[], host: string): VirtualServer[] {
  return servers.filter((candidate) => answersTo(candidate.host, host)).toSorted((a, b) => compareRank(a.host, b.host));
}

function unknownHost({ servers, fallback, fallbackTls }: RouteTable, host: string): Site {
  const because = [`No service matches the host ${host}.${suggestion(servers, host)}`];
  const last = fallback.length > 0 ? 'The default backend serves such hosts.' : 'There is no default backend.';
  const unused = { redirect: undefined, secureRedirect: undefined, canonical: undefined, thumbprint: undefined };
  const nothing = { ...unused, pathRedirects: [] };
  return {
    ...nothing,
    name: '*',
    maintenance: undefined,
    passedOver: [],
    tls: fallbackTls,
    locations: fallback,
    because: [...because, last],
  };
}

function answersTo({ kind, name }: Host, host: string): boolean {
  if (kind === 'exact') return name === host;
  if (kind === 'wildcard') return host.endsWith(name.slice(1));
  return new RegExp(`^(?:${name})$`).test(host);
}

const HOST_KINDS = { exact: 'the exact name', wildcard: 'the wildcard', regex: 'the regular expression' } as const;

function describeHost({ kind, name }: Host): string {
  return `${HOST_KINDS[kind]} ${name}`;
}

function outranks(winner: Host): string {
  return `Its host matches too, but ${describeHost(winner)} takes precedence: exact names, then wildcards, then regular expressions, each the longest first.`;
}

/** nginx finds the longest wildcard itself, so the table need not be in this order. */
function compareRank(a: Host, b: Host): number {
  return (a.kind === 'wildcard' && b.kind === 'wildcard' && b.name.length - a.name.length) || compareHosts(a, b);
}

function suggestion(servers: readonly VirtualServer[], host: string): string {
  const guess = nearest(
    host,
    servers.map(({ host }) => host.name),
  );
  return guess === undefined ? '' : ` Did you mean ${guess}?`;
}

function chooseLocation({ name, locations }: Site, path: string) {
  const location = locations.find((candidate) => isBelow(path, candidate.path));
  const others = locations.filter((candidate) => candidate !== location);
  return {
    location,
    because: location === undefined ? [] : [describePath(location, path)],
    passedOver: others.flatMap((other) => passOver(name, [other], pathReason(other, path))),
  };
}

function describePath({ path: root }: Location, path: string): string {
  if (root === '') return `The path ${path} matches no other context root.`;
  return `The path ${path} matches the context root ${root}, the longest that matches.`;
}

function pathReason({ path: root }: Location, path: string): string {
  return isBelow(path, root)
    ? 'Its path matches too, but a longer context root takes precedence.'
    : `The path ${path} does not match ${root}.`;
}

interface Step {
  readonly answer: Answer;
  readonly because: readonly string[];
}

function nowhere({ name, locations }: Site): Step {
  if (locations.length === 0) return { answer: { kind: 'no-host' }, because: [] };
  return { answer: { kind: 'no-path' }, because: [`No context root of ${name} matches.`] };
}

/** Explains a TLS connection that does not end in the proxies. */
function withoutTermination({ name, tls, locations }: Site, host: string, uri: string): Step {
  const location = locations.find(({ isHandedOn }) => isHandedOn);
  if (tls.kind === 'passthrough' && location !== undefined) {
    const because = ['The service terminates TLS: the proxy passes connections through.'];
    return { answer: { kind: 'service', route: toRoute(name, location), requestUri: uri }, because };
  }
  const reason =
    tls.kind === 'closed'
      ? 'Its certificate or its TLS configuration is missing or invalid.'
      : `There is no certificate for ${host}.`;
  return { answer: { kind: 'no-certificate' }, because: [reason] };
}

interface Asked extends Request {
  readonly httpsPort: number;
}

function answerAt(name: string, location: Location, { host, uri, httpsPort, isSecure }: Asked): Step {
  if (location.maintenance !== undefined) return closed(location.maintenance);
  if (!isSecure && leadsToTls(location)) {
    const port = httpsPort === 443 ? '' : `:${httpsPort}`;
    return { answer: redirectTo(301, `https://${host}${port}${uri}`), because: ['The route is for HTTPS only.'] };
  }
  const route = toRoute(name, location);
  if (location.upstream === undefined) {
    const reason = 'The route is closed: no tasks are desired, or one of the reported problems closes it.';
    return { answer: { kind: 'unavailable', route }, because: [reason] };
  }
  const shared = location.services.length > 1 ? ['Its services share the requests in proportion to their tasks.'] : [];
  const root = strippedRoot(location);
  const stripped = root === undefined ? undefined : stripRoot(root, uri);
  if (stripped?.kind === 'rejected')
    return {
      answer: { kind: 'bad-request' },
      because: ['The path has a segment that some applications treat as `..`.'],
    };
  const requestUri = stripped?.kind === 'reaches' ? encodePath(location.options.backendPath ?? '') + stripped.url : uri;
  return { answer: { kind: 'service', route, requestUri }, because: shared };
}

function redirected({ target, status }: Redirect, uri: string, isSecure: boolean): Step {
  const reason = `Requests for it over ${isSecure ? 'HTTPS' : 'HTTP'} are redirected to ${target}, for any path.`;
  return { answer: redirectTo(status, target + uri), because: [reason] };
}

function toCanonical({ host, sslOnly }: Canonical, { port, uri, isSecure, httpsPort }: Asked): Step {
  const because = [`Requests for it are redirected to the canonical host ${host}.`];
  const upgraded = httpsPort === 443 ? '' : `:${httpsPort}`;
  if (sslOnly && !isSecure) return { answer: redirectTo(308, `https://${host}${upgraded}${uri}`), because };
  const origin = `${isSecure ? 'https' : 'http'}://${host}${port === '' ? '' : `:${port}`}`;
  return { answer: redirectTo(308, origin + uri), because };
}

interface ChosenRedirect extends PathRedirect {
  readonly applying: Redirect;
}

function choosePathRedirect(
  { pathRedirects, locations }: Site,
  path: string,
  isSecure: boolean,
): ChosenRedirect | undefined {
  const matching = pathRedirects.flatMap((redirect) => {
    const applying = isSecure ? redirect.secureRedirect : redirect.redirect;
    return applying !== undefined && isBelow(path, redirect.path) ? [{ ...redirect, applying }] : [];
  });
  const location = locations.find((candidate) => isBelow(path, candidate.path));
  return matching.find((redirect) => location === undefined || redirect.path.length >= location.path.length);
}

function redirectedPath({ path, applying, location }: ChosenRedirect, site: Site, { path: asked, uri }: Asked): Step {
  const maintenance = (location ?? site).maintenance;
  if (maintenance !== undefined) return closed(maintenance);
  const { target, status } = applying;
  const because = [`Requests for the path ${path || '/'} are redirected to ${target}.`];
  const stripped = stripRoot(path, uri);
  if (stripped.kind !== 'reaches') return { answer: { kind: 'bad-request' }, because };
  // Without a rest, no slash is appended to a path.
  const rest = asked === path ? stripped.url.slice(1) : stripped.url;
  const origin = asked === path && new URL(target).pathname === '/' && !target.endsWith('/') ? `${target}/` : target;
  return { answer: redirectTo(status, origin + rest), because };
}

function closed({ allow }: Maintenance): Step {
  const passing = allow.length === 0 ? 'for all clients' : `for all clients except ${allow.join(', ')}`;
  return { answer: { kind: 'maintenance', allow }, because: [`It is under maintenance ${passing}.`] };
}

function redirectTo(status: RedirectStatus, location: string): Answer {
  return { kind: 'redirect', status, location };
}

function passOver(host: string, locations: readonly Location[], reason: string): PassedOver[] {
  return locations.map((location) => ({ route: toRoute(host, location), reason }));
}

function refusedRoute({ service, host, path, problem }: RejectedClaim): PassedOver {
  const reason = `The claim is ignored: ${problem.reason}.`;
  return { route: { host: host?.name ?? '*', path: path || '/', services: [service] }, reason };
}

function toRoute(host: string, { path, services }: Location): ExplainedRoute {
  return { host, path: path || '/', services };
}
