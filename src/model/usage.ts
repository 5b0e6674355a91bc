import { memoize } from '../lib/memo.ts';
import { isGrpc } from './features/backend-protocol.ts';
import { featureBytes, featureDefinitions, featureZoneKb, locationFacts } from './features/features.ts';
import { requiresTls } from './features/ssl-only.ts';
import { type Host, stepsOf } from './hosts/host.ts';
import { encodePath, pathBytes } from './path.ts';
import { pathKind, pathSteps } from './path-pattern.ts';
import type { Route, Tls } from './route.ts';
import { strippedRoot } from './route-table/location.ts';

/** The capacity of its cluster's proxies that a part of a service uses. */
export interface Usage {
  /** Maximum number of characters that nginx compares for one name. */
  readonly steps: number;
  /** Text of the configuration. */
  readonly bytes: number;
  /** The part of it that must be in the main file. */
  readonly mainBytes: number;
  /** Memory for addresses of tasks, and for what proxies count. */
  readonly zoneKb: number;
}

export const NO_USAGE: Usage = { steps: 0, bytes: 0, mainBytes: 0, zoneKb: 0 };

export function addUsage(a: Usage, b: Usage): Usage {
  return {
    steps: a.steps + b.steps,
    bytes: a.bytes + b.bytes,
    mainBytes: a.mainBytes + b.mainBytes,
    zoneKb: a.zoneKb + b.zoneKb,
  };
}

/** The fixed cost of calling the matcher. */
const STEPS_PER_EXPRESSION = 200;

/**
 * The usage of one host of a route. Bytes are upper bounds for our own templates, up to three times the actual size.
 */
export function hostUsage(route: Route, host: Host | undefined): Usage {
  const name = host?.name.length ?? 1;
  const bytes =
    serverBytes(route, name) +
    locationBytes(route) +
    entryBytes(route, name) +
    pathRedirectBytes(route, host) +
    choiceBytes(route);
  // The tables of a choice depend on all routes of the host.
  if (host?.kind !== 'regex') return { ...NO_USAGE, bytes, mainBytes: stepBytes(route) };
  return { steps: stepsOf(host) + STEPS_PER_EXPRESSION, bytes, mainBytes: bytes, zoneKb: 0 };
}

/** The step of a choice between services, or the share of one, with its cookie. */
function stepBytes({ match, weight }: Route): number {
  return (match === undefined ? 0 : 500) + (weight === undefined ? 0 : 1200);
}

/** Beside the location of a service, the public ones, and those of a shorter path once more. */
function choiceBytes(route: Route): number {
  if (route.match === undefined && route.weight === undefined) return 0;
  return stepBytes(route) + listenersOf(route) * (2 * (2 * pathBytes(route.path) + 350) + 400);
}

/** Each is a location, whose text includes that of the route's own location. */
function pathRedirectBytes(route: Route, host: Host | undefined): number {
  if (route.pathRedirects === undefined || host?.kind !== 'exact') return 0;
  return route.pathRedirects
    .filter((redirect) => redirect.host === host.name)
    .reduce((sum, { path, target }) => sum + locationBytes(route) + 4 * (2 * pathBytes(path) + target.length + 150), 0);
}

/** One server listens for both if both answer alike, as in the renderer. */
function listenersOf({ tls, options, pathRedirects = [] }: Route): number {
  if (tls.kind === 'closed') return 2;
  if (tls.kind !== 'terminated') return 1;
  const isPlain = tls.hsts === '' && tls.clientCa === '' && !tls.protocols && !requiresTls(options);
  if (pathRedirects.some(({ secure }) => !secure)) return 2;
  return isPlain ? 1 : 2;
}

function serverBytes(route: Route, name: number): number {
  const redirects = route.redirects.reduce(
    (sum, { target }) => Math.max(sum, target.length + 60),
    (route.canonicalHost?.length ?? -100) + 100,
  );
  const challenge = route.acme?.thumbprint === undefined ? 0 : 130;
  return listenersOf(route) * (340 + name + redirects) + challenge + secretBytes(route.tls);
}

function secretBytes(tls: Tls): number {
  if (tls.kind !== 'terminated') return tls.kind === 'closed' ? 500 : 0;
  const { certificate, key, clientCa, clientCrl, hsts, protocols } = tls;
  return (
    610 +
    (protocols ? 170 : 0) +
    3 * (certificate.length + key.length) +
    (clientCa === '' ? 0 : 500 + 4 * clientCa.length) +
    (clientCrl === undefined ? 0 : 200 + 3 * clientCrl.length) +
    (hsts === '' ? 0 : 300 + 3 * hsts.length)
  );
}

function locationBytes(route: Route): number {
  const { path, options, maintenance } = route;
  const { protocol, clientCertificate } = options;
  const toService = 150 + featureBytes(options) + (options.rewrite ? 130 + 3 * pathBytes(path) : 0);
  // For the log of the agent, the path is also written in encoded form.
  const named = path === '' ? 0 : 2 * pathBytes(path) + 40 + encodePath(path).length;
  const one =
    120 +
    named +
    toService +
    (maintenance === undefined ? 0 : 330) +
    (clientCertificate === 'none' ? 0 : 110) +
    (requiresTls(options) ? 340 : 0);
  // A fallback has the same options, in a location of its own. With error pages, three locations forward requests.
  const copies = 1 + (options.fallback === undefined ? 0 : 1) + (options.errorPages === undefined ? 0 : 2);
  const again = isGrpc(protocol) ? 960 : copies * (toService + 140);
  return listenersOf(route) * ((path === '' && route.pathRedirects === undefined ? 1 : 2) * one + again);
}

/** Entries in the tables by which connections find their certificate or service. */
function entryBytes({ tls }: Route, name: number): number {
  const site =
    tls.kind === 'terminated' ? tls.certificate.length + tls.clientCa.length + (tls.clientCrl?.length ?? 0) : 0;
  return 2 * name + site + (tls.kind === 'passthrough' ? 300 : 80);
}

/** nginx silently ignores peers that do not fit into the zone (64 KB holds about 55). So it has room for a rolling update that doubles the tasks. */
const KB_PER_UPSTREAM = 4;
const KB_PER_PEER = 3;
/** Docker's DNS cannot list more in one answer. Also limits the memory that a mistyped number of replicas can use. */
const MOST_PEERS = 4096;

export function zoneKbOf(peerCount: number): number {
  return KB_PER_UPSTREAM + KB_PER_PEER * Math.min(peerCount, MOST_PEERS);
}

const BYTES_PER_PEER = 130;
const BYTES_PER_UPSTREAM = 420;
const BYTES_PER_COOKIE_ATTRIBUTES = 320;
const BYTES_PER_STRIPPED_LENGTH = 1500;

/** The usage of a route, independent of its number of hosts. */
export function routeUsage({ backend, options, path }: Route, peerCount: number): Usage {
  const steps = pathKind(path) === 'regex' ? pathSteps(path) + STEPS_PER_EXPRESSION : 0;
  const peers = backend.kind === 'peers' ? backend.peers : [];
  const fixed = BYTES_PER_UPSTREAM + (options.stickyCookie === undefined ? 0 : BYTES_PER_COOKIE_ATTRIBUTES);
  const bytes = peers.reduce((sum, { address }) => sum + 2 * address.length + BYTES_PER_PEER, fixed);
  const zoneKb = (peers.length === 0 ? 0 : zoneKbOf(peerCount)) + featureZoneKb(options);
  return { ...NO_USAGE, steps, bytes, zoneKb };
}

/** Texts in the main file that routes with the same needs share: bytes by key. */
export const sharedUsage = memoize(
  ({ service, path, match, options, maintenance, pathRedirects = [] }: Route): ReadonlyMap<string, number> => {
    const all = new Map<string, number>();
    const root = strippedRoot({ path, options });
    if (root !== undefined) all.set(`path of ${pathBytes(root)} bytes`, BYTES_PER_STRIPPED_LENGTH);
    for (const redirect of pathRedirects)
      all.set(`path of ${pathBytes(redirect.path)} bytes`, BYTES_PER_STRIPPED_LENGTH);
    if (options.affinity.kind === 'cookie')
      all.set(`cookie ${options.affinity.name}`, 120 + 4 * options.affinity.name.length);
    for (const condition of match ?? [])
      all.set(`condition ${JSON.stringify(condition)}`, 250 + 25 * JSON.stringify(condition).length);
    const { fallback, mirror } = options;
    if (mirror !== undefined) all.set(`mirror ${mirror.name}:${mirror.port} ${mirror.percent}`, 1800);
    if (fallback !== undefined) all.set(`fallback ${fallback.name}:${fallback.port}`, 500);
    const allow = maintenance?.allow ?? [];
    if (allow.length > 0) all.set(`allow ${allow.join()}`, 100 + allow.join().length + 15 * allow.length);
    for (const { key, bytes } of featureDefinitions(options, locationFacts(service.name, { path, match })))
      all.set(key, bytes);
    return all;
  },
);
