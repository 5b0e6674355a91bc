import { holds, matchKey, writtenMatch } from '../match.ts';
import { isBelow } from '../path.ts';
import type { Location } from '../route-table/table.ts';
import type { ExplainedRoute, PassedOver } from './explanation.ts';
import type { Site } from './site.ts';

export function chooseLocation({ name, locations }: Site, path: string, uri: string) {
  const request = { method: 'GET', query: new URL(uri, 'http://host').search.slice(1) };
  const isMeant = ({ match }: Location) => match === undefined || holds(match, request);
  const first = locations.find((candidate) => isBelow(path, candidate.path) && isMeant(candidate));
  const sharing = first?.weight === undefined ? [] : locations.filter((other) => isSharing(other, first));
  const location = sharing.find(({ weight, upstream }) => weight! > 0 && upstream !== undefined) ?? first;
  const others = locations.filter((candidate) => candidate !== location);
  return {
    location,
    because: location === undefined ? [] : [describePath(location, path), ...describeShares(sharing)],
    passedOver: others.flatMap((other) =>
      passOver(name, [other], reasonOf(other, { path, chosen: location, isMeant: isMeant(other) })),
    ),
  };
}

/** One of several locations between which weights decide. */
function isSharing(other: Location, { path, match }: Location): boolean {
  return other.path === path && matchKey(other.match) === matchKey(match);
}

function describeShares(sharing: readonly Location[]): string[] {
  const shares = sharing.map(({ services, weight }) => `${services.join(', ')} ${weight}`);
  return shares.length === 0 ? [] : [`Its services share the requests by weight: ${shares.join(', ')}.`];
}

function describePath({ path: root, match }: Location, path: string): string {
  if (match !== undefined) return `The request matches ${writtenMatch(match)}, at the context root ${root || '/'}.`;
  if (root === '') return `The path ${path} matches no other context root.`;
  return `The path ${path} matches the context root ${root}, the longest that matches.`;
}

interface Asked {
  readonly path: string;
  readonly chosen: Location | undefined;
  readonly isMeant: boolean;
}

function reasonOf(other: Location, { path, chosen, isMeant }: Asked): string {
  const { path: root, match } = other;
  if (!isBelow(path, root)) return `The path ${path} does not match ${root}.`;
  if (match !== undefined && !isMeant) return `It receives only requests with ${writtenMatch(match)}.`;
  if (chosen?.weight !== undefined && isSharing(other, chosen)) return 'It has a share of the requests by weight.';
  return chosen?.path === root
    ? 'It matches too, but more conditions take precedence, or an older service.'
    : 'Its path matches too, but a longer context root takes precedence.';
}

export function passOver(host: string, locations: readonly Location[], reason: string): PassedOver[] {
  return locations.map((location) => ({ route: toRoute(host, location), reason }));
}

export function toRoute(host: string, { path, match, services }: Location): ExplainedRoute {
  return { host, path: path || '/', ...(match && { match: writtenMatch(match) }), services };
}
