import type { Redirect } from './labels.ts';
import type { Problem } from './problem.ts';
import { labelName, type Route } from './route.ts';

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
  const all = routes.flatMap(({ redirects }) => redirects);
  if (all.length === 0) return { routes, problems: [] };
  const endless = endlessOnes(all, ports);
  if (endless.size === 0) return { routes, problems: [] };
  const isEndless = (redirect: Redirect) => endless.has(redirect);
  return {
    routes: routes.map((route) => (route.redirects.some(isEndless) ? without(route, isEndless) : route)),
    problems: routes.flatMap((route) => route.redirects.filter(isEndless).map((redirect) => loop(route, redirect))),
  };
}

/** Repeated, because a removed redirect may make way for a later one of the same host. */
function endlessOnes(redirects: readonly Redirect[], ports: PublicPorts): ReadonlySet<Redirect> {
  const cycles = new Set(findCycles(redirects, ports).map(keyOf));
  if (cycles.size === 0) return new Set();
  const [found, rest] = divide(redirects, (redirect) => cycles.has(keyOf(redirect)));
  return new Set([...found, ...endlessOnes(rest, ports)]);
}

function keyOf({ host, secure, target }: Redirect): string {
  return JSON.stringify([host, secure, target]);
}

function divide<T>(items: readonly T[], test: (item: T) => boolean): [T[], T[]] {
  return [items.filter(test), items.filter((item) => !test(item))];
}

/** Each redirect leads to at most one other, so a single walk over all of them finds every cycle. */
function findCycles(redirects: readonly Redirect[], ports: PublicPorts): Redirect[] {
  const byHost = Map.groupBy(redirects, ({ host }) => host);
  const walks = new Map<Redirect, Redirect>();
  const cycles: Redirect[] = [];
  for (const start of redirects) {
    let next: Redirect | undefined = start;
    while (next !== undefined && !walks.has(next)) {
      walks.set(next, start);
      next = follow(next, byHost, ports);
    }
    if (next === undefined || walks.get(next) !== start) continue;
    const first = next;
    do {
      cycles.push(next);
      next = follow(next, byHost, ports)!;
    } while (next !== first);
  }
  return cycles;
}

type ByHost = ReadonlyMap<string, readonly Redirect[]>;

/** The redirect that answers at the target, unless another server uses the target's port. */
function follow({ target }: Redirect, byHost: ByHost, ports: PublicPorts): Redirect | undefined {
  const { protocol, hostname, port } = new URL(target);
  const isSecure = protocol === 'https:';
  if (port !== '' && Number(port) !== (isSecure ? ports.https : ports.http)) return undefined;
  return byHost.get(hostname)?.find(({ secure }) => secure || !isSecure);
}

function without(route: Route, isEndless: (redirect: Redirect) => boolean): Route {
  return { ...route, redirects: route.redirects.filter((redirect) => !isEndless(redirect)) };
}

function loop(route: Route, { host, target }: Redirect): Problem {
  const isOwn = new URL(target).hostname === host;
  return {
    severity: 'error',
    service: route.service.name,
    label: labelName('redirects', route.labels),
    reason: isOwn
      ? `redirects ${host} to itself (${target}), which is an endless loop; the redirect is ignored`
      : `redirects ${host} to ${target}, which leads back to ${host}; the redirect is ignored`,
    remedy: 'Remove the redirect, or choose another target.',
  };
}
