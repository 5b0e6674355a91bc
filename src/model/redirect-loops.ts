import { memoize } from '../lib/memo.ts';
import { isBelow } from './path.ts';
import { matchesPath, type PathPattern, pathKind } from './path-pattern.ts';
import type { Problem } from './problem.ts';
import { problemKind } from './problem-kind.ts';
import type { Redirect } from './redirects.ts';
import { labelName, type Route } from './route.ts';

export const endlessRedirect = problemKind({
  id: 'redirect-loop',
  severity: 'error',
  meaning: `A redirect leads back to itself. Browsers would report an endless loop, so it is ignored.`,
  reason: (from: string, target: string, isOwn: boolean) =>
    isOwn
      ? `redirects ${from} to itself (${target}), which is an endless loop; the redirect is ignored`
      : `redirects ${from} to ${target}, which leads back to ${from}; the redirect is ignored`,
  remedy: 'Remove the redirect, or choose another target.',
  example: ['a.example.org/', 'https://b.example.org/', false],
  at: 'com.docker.lb.redirects',
});

/** Ports at which clients reach the proxies, in addition to each scheme's default port. */
export interface PublicPorts {
  readonly http: number;
  readonly https: number;
}

export interface WithoutLoops {
  readonly routes: readonly Route[];
  readonly problems: readonly Problem[];
}

/** Removes redirects that lead back to themselves, directly or through others: a client that follows one never arrives. */
export function withoutRedirectLoops(routes: readonly Route[], ports: PublicPorts): WithoutLoops {
  const all = routes.flatMap(redirectsOf);
  if (all.length === 0) return { routes, problems: [] };
  const endless = endlessOnes(all, { ports, paths: pathsByHost(routes) });
  if (endless.size === 0) return { routes, problems: [] };
  const isEndless = (redirect: Redirect) => endless.has(redirect);
  return {
    routes: routes.map((route) => (redirectsOf(route).some(isEndless) ? without(route, isEndless) : route)),
    problems: routes.flatMap((route) =>
      redirectsOf(route)
        .filter(isEndless)
        .map((redirect) => loop(route, redirect)),
    ),
  };
}

/** All redirects of a route: those to its canonical host too. The same objects each time. */
const redirectsOf = memoize((route: Route): readonly Redirect[] => {
  const { redirects, pathRedirects = [], canonicalHost, hosts } = route;
  const written = [...redirects, ...pathRedirects];
  if (canonicalHost === undefined) return written;
  const others = hosts.filter(({ kind, name }) => kind === 'exact' && name !== canonicalHost);
  const toCanonical = others
    .filter(({ name }) => !written.some(({ host }) => host === name))
    .map(
      ({ name: host }): Redirect => ({ host, path: '', secure: true, target: `http://${canonicalHost}`, status: 308 }),
    );
  return [...written, ...toCanonical];
});

/** Repeated, because a removed redirect may make way for a later one of the same host. */
function endlessOnes(redirects: readonly Redirect[], surroundings: Surroundings): ReadonlySet<Redirect> {
  const cycles = new Set(findCycles(redirects, surroundings).map(keyOf));
  if (cycles.size === 0) return new Set();
  const [found, rest] = divide(redirects, (redirect) => cycles.has(keyOf(redirect)));
  return new Set([...found, ...endlessOnes(rest, surroundings)]);
}

interface Surroundings {
  readonly ports: PublicPorts;
  /** Paths of the routes on a host. */
  readonly paths: ReadonlyMap<string, ReadonlySet<string>>;
}

/** Only redirects of paths make way for routes. */
function pathsByHost(routes: readonly Route[]): Surroundings['paths'] {
  const paths = new Map<string, Set<string>>();
  const hosts = new Set(routes.flatMap(({ pathRedirects = [] }) => pathRedirects.map(({ host }) => host)));
  if (hosts.size === 0) return paths;
  for (const route of routes)
    for (const { name } of route.hosts.filter((host) => host.kind === 'exact' && hosts.has(host.name)))
      paths.set(name, (paths.get(name) ?? new Set()).add(route.path));
  return paths;
}

function keyOf({ host, path, secure, target }: Redirect): string {
  return JSON.stringify([host, path, secure, target]);
}

function divide<T>(items: readonly T[], test: (item: T) => boolean): [T[], T[]] {
  return [items.filter(test), items.filter((item) => !test(item))];
}

/** Each redirect leads to at most one other, so a single walk over all of them finds every cycle. */
function findCycles(redirects: readonly Redirect[], surroundings: Surroundings): Redirect[] {
  const byHost = Map.groupBy(redirects, ({ host }) => host);
  const walks = new Map<Redirect, Redirect>();
  const cycles: Redirect[] = [];
  for (const start of redirects) {
    let next: Redirect | undefined = start;
    while (next !== undefined && !walks.has(next)) {
      walks.set(next, start);
      next = follow(next, byHost, surroundings);
    }
    if (next === undefined || walks.get(next) !== start) continue;
    const first = next;
    do {
      cycles.push(next);
      next = follow(next, byHost, surroundings)!;
    } while (next !== first);
  }
  return cycles;
}

type ByHost = ReadonlyMap<string, readonly Redirect[]>;

/**
 * The redirect that answers at the target, whatever the rest of the path, unless another server uses the target's port
 * or a route with a longer path answers.
 */
function follow({ target }: Redirect, byHost: ByHost, { ports, paths }: Surroundings): Redirect | undefined {
  const { protocol, hostname, port, pathname } = new URL(target);
  const isSecure = protocol === 'https:';
  if (port !== '' && Number(port) !== (isSecure ? ports.https : ports.http)) return undefined;
  const path = decodeURIComponent(pathname).replace(/\/$/, '');
  const [next] = (byHost.get(hostname) ?? [])
    .filter((redirect) => (redirect.secure || !isSecure) && isBelow(path, redirect.path))
    .toSorted((a, b) => b.path.length - a.path.length);
  const routed = [...(paths.get(hostname) ?? [])].filter((pattern) => matchesPath(path, pattern));
  const isBefore = (pattern: PathPattern) => pathKind(pattern) !== 'prefix' || pattern.length > next!.path.length;
  return next && routed.some(isBefore) ? undefined : next;
}

function without(route: Route, isEndless: (redirect: Redirect) => boolean): Route {
  const { canonicalHost, pathRedirects, ...others } = route;
  const kept = (redirects: readonly Redirect[]) => redirects.filter((redirect) => !isEndless(redirect));
  const written = [...route.redirects, ...(pathRedirects ?? [])];
  const isCanonicalEndless = redirectsOf(route).some((one) => isEndless(one) && !written.includes(one));
  return {
    ...others,
    redirects: kept(route.redirects),
    ...(pathRedirects && { pathRedirects: kept(pathRedirects) }),
    ...(canonicalHost === undefined || isCanonicalEndless ? {} : { canonicalHost }),
  };
}

function loop(route: Route, redirect: Redirect): Problem {
  const { host, path, target } = redirect;
  const isWritten = [...route.redirects, ...(route.pathRedirects ?? [])].includes(redirect);
  const isOwn = new URL(target).hostname === host;
  return {
    ...endlessRedirect(`${host}${path}`, target, isOwn),
    service: route.service.name,
    label: labelName(isWritten ? 'redirects' : 'canonical_host', route.labels),
  };
}
