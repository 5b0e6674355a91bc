import { requiresTls } from '../features/ssl-only.ts';
import type { Host } from '../hosts/host.ts';
import { isBelow } from '../path.ts';
import { pathKind } from '../path-pattern.ts';
import type { Problem } from '../problem.ts';
import type { Redirect } from '../redirects.ts';
import { compareText, type Route } from '../route.ts';
import { disagreement } from './disagreements.ts';
import { compareAge } from './locations.ts';
import type { Canonical, Location, PathRedirect } from './table.ts';

/** A service may have several routes on a host: any of them may set the redirect. */
export function redirectOf(owners: readonly Route[], { kind, name }: Host, secure = false): Redirect | undefined {
  const { id } = owners[0]!.service;
  const own = owners.filter(({ service }) => service.id === id).flatMap(({ redirects }) => redirects);
  return kind === 'exact' ? own.find((redirect) => redirect.host === name && (redirect.secure || !secure)) : undefined;
}

/** A redirect applies to the whole host: owners of other routes on it must be informed. */
export function redirectDisagreements(owners: readonly Route[], host: Host): Problem[] {
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

export function canonicalOf(owners: readonly Route[], { kind, name }: Host): Canonical | undefined {
  const { id } = owners[0]!.service;
  const asking = owners.find(({ service, canonicalHost }) => service.id === id && canonicalHost !== undefined);
  if (asking?.canonicalHost === undefined || (kind === 'exact' && name === asking.canonicalHost)) return undefined;
  return { host: asking.canonicalHost, sslOnly: requiresTls(asking.options) };
}

/**
 * A route may redirect paths that it would answer itself, and the oldest service of the host also those that no route
 * answers. Exact paths and expressions take precedence over redirects.
 */
export function pathRedirectsOf(
  owners: readonly Route[],
  { kind, name }: Host,
  locations: readonly Location[],
): readonly PathRedirect[] {
  if (kind !== 'exact') return [];
  const found = new Map<string, PathRedirect>();
  for (const route of owners) {
    for (const redirect of (route.pathRedirects ?? []).filter(({ host }) => host === name)) {
      const { path } = redirect;
      const covering = locations.filter(
        (candidate) => pathKind(candidate.path) === 'prefix' && isBelow(path, candidate.path),
      );
      const location = covering.find((candidate) => candidate.path === covering[0]?.path && !candidate.match);
      if (isChosen(path, covering, location) || !mayRedirect(route, owners, location)) continue;
      const known = found.get(path) ?? { path, redirect, secureRedirect: undefined, location };
      found.set(path, { ...known, secureRedirect: known.secureRedirect ?? (redirect.secure ? redirect : undefined) });
    }
  }
  return [...found.values()].toSorted((a, b) => b.path.length - a.path.length || compareText(a.path, b.path));
}

/** Which service answers depends on the request, so no service may redirect all of them. */
function isChosen(path: string, covering: readonly Location[], location: Location | undefined): boolean {
  return covering.some((candidate) => candidate.match && (candidate.path === path || !location));
}

function mayRedirect(route: Route, owners: readonly Route[], location: Location | undefined): boolean {
  if (location === undefined) return route.service.id === owners[0]!.service.id;
  const [oldest] = owners.filter(({ path, match }) => path === location.path && !match).toSorted(compareAge);
  return oldest === route;
}
