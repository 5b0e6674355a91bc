import { featureUpstreams } from '../features/features.ts';
import { compareMatches, matchKey } from '../match.ts';
import { comparePatterns, matchesPath, type PathPattern, pathKind, patternText } from '../path-pattern.ts';
import type { Problem } from '../problem.ts';
import { problemKind } from '../problem-kind.ts';
import { compareOwners, compareText, type Maintenance, type Route } from '../route.ts';
import type { Upstream } from '../upstream.ts';
import { disagreements, shared } from './disagreements.ts';
import { fallbackOptions, idleFallback } from './fallback.ts';
import { lacking, unprotected } from './protection.ts';
import type { HostTls, Location } from './table.ts';
import { addUpstream } from './upstreams.ts';

export const weightMissing = problemKind({
  id: 'weight-missing',
  severity: 'warning',
  meaning: `Requests are divided by weight only if all services that share the host and path have one.`,
  reason: (service: string, other: string) => `weight of ${service} has no effect: ${other} on the same hosts has none`,
  remedy: 'Set weight on all services that share the host and path, or remove it.',
  example: ['shop_canary', 'shop_web'],
  at: 'com.docker.lb.weight',
});

interface Surroundings {
  readonly host: string;
  readonly tls: HostTls;
  readonly upstreams: Map<string, Upstream>;
  readonly problems: Problem[];
}

/**
 * In the order of matching. Services with the same path and conditions share a location, weighted by the number of their
 * tasks.
 */
export function buildLocations(routes: readonly Route[], surroundings: Surroundings): Location[] {
  const byPath = Map.groupBy(usable(routes), ({ path }) => path);
  return [...byPath]
    .toSorted(([a], [b]) => comparePatterns(a, b))
    .flatMap(([, sharing]) => byConditions(sharing).flatMap((owners) => divide(owners, surroundings)));
}

/**
 * Which requests a route with invalid conditions is meant for is not known. It takes none from other services, and closes
 * its path for those that would reach nobody.
 */
function usable(routes: readonly Route[]): readonly Route[] {
  if (routes.every(({ match }) => match === undefined)) return routes;
  const plain = routes.filter(({ match }) => match === undefined);
  return routes.flatMap((route) => {
    if (route.match?.length !== 0) return [route];
    const isTaken = plain.some(({ path }) => takes(path, route.path));
    return isTaken ? [] : [{ ...route, match: undefined }];
  });
}

/** Whether requests for the path are answered without the route. Of an expression, only some may be. */
function takes(plain: PathPattern, path: PathPattern): boolean {
  if (plain === path || plain === '') return true;
  return pathKind(path) !== 'regex' && matchesPath(patternText(path), plain);
}

/** The owners of each location of a path, the oldest first. */
function byConditions(sharing: readonly Route[]): Route[][] {
  const groups = Map.groupBy(sharing, ({ match }) => matchKey(match));
  return [...groups.values()]
    .map((owners) => owners.toSorted(compareAge))
    .toSorted(
      ([a], [b]) =>
        compareMatches(a!.match, b!.match) || compareAge(a!, b!) || compareText(matchKey(a!.match), matchKey(b!.match)),
    );
}

/** If all services have a weight, each has a location of its own. */
function divide(owners: readonly Route[], surroundings: Surroundings): Location[] {
  const other = owners.find(({ weight }) => weight === undefined);
  if (other === undefined && owners.length > 1)
    return owners.map((owner) => ({ ...buildLocation([owner], surroundings), weight: owner.weight! }));
  const unused = owners.filter(({ weight }) => weight !== undefined && other !== undefined);
  surroundings.problems.push(...unused.map((owner) => withoutShare(owner, other!, surroundings.host)));
  return [buildLocation(owners, surroundings)];
}

function withoutShare(owner: Route, { service }: Route, host: string): Problem {
  return shared('weight', owner, host, weightMissing(owner.service.name, service.name));
}

function buildLocation(owners: readonly Route[], { host, tls, upstreams, problems }: Surroundings): Location {
  const { path, match } = owners[0]!;
  problems.push(...disagreements(owners, host));
  const maintenance = sharedMaintenance(owners);
  const lacks = owners.map((owner) => lacking(owner, owners[0]!, tls));
  problems.push(...owners.flatMap((owner, n) => (lacks[n] ? unprotected(lacks[n], owner, host) : [])));
  const protectedOwners = owners.filter((_, n) => lacks[n] === undefined);
  const own = addUpstream(answering(protectedOwners, maintenance), owners[0]!.options, upstreams);
  const idle = own === undefined && maintenance === undefined ? idleFallback(owners) : undefined;
  if (idle !== undefined) upstreams.set(idle.name, idle);
  const upstream = own ?? idle?.name;
  const options = idle === undefined ? owners[0]!.options : fallbackOptions(owners[0]!.options);
  if (upstream !== undefined) for (const asked of featureUpstreams(options)) upstreams.set(asked.name, asked);
  const isHandedOn = owners.some((owner) => owner.tls.kind === 'passthrough' && isOpen(owner));
  const services = [...new Set(owners.map(({ service }) => service.name))];
  const given = owners.flatMap(({ service: { name: service }, labels }) =>
    (labels?.given ?? []).map((value) => ({ service, ...value })),
  );
  const isPending = owners.some(({ acme }) => acme?.isPending);
  const location = { path, options, upstream, maintenance, isHandedOn, isPending, services };
  const instead = idle && owners[0]!.options.fallback?.name;
  return {
    ...location,
    ...(match && { match }),
    ...(instead !== undefined && { instead }),
    ...(given.length > 0 && { given }),
  };
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

export function compareAge(a: Route, b: Route): number {
  return compareOwners(a.service, b.service);
}
