import { holds, writtenMatch } from '../match.ts';
import { isBelow } from '../path.ts';
import type { Location } from '../route-table/table.ts';
import type { ExplainedRoute, PassedOver } from './explanation.ts';
import type { Site } from './site.ts';

export function chooseLocation({ name, locations }: Site, path: string, uri: string) {
  const request = { method: 'GET', query: new URL(uri, 'http://host').search.slice(1) };
  const isMeant = ({ match }: Location) => match === undefined || holds(match, request);
  const location = locations.find((candidate) => isBelow(path, candidate.path) && isMeant(candidate));
  const others = locations.filter((candidate) => candidate !== location);
  return {
    location,
    because: location === undefined ? [] : [describePath(location, path)],
    passedOver: others.flatMap((other) =>
      passOver(name, [other], reasonOf(other, { path, chosen: location, isMeant: isMeant(other) })),
    ),
  };
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

function reasonOf({ path: root, match }: Location, { path, chosen, isMeant }: Asked): string {
  if (!isBelow(path, root)) return `The path ${path} does not match ${root}.`;
  if (match !== undefined && !isMeant) return `It receives only requests with ${writtenMatch(match)}.`;
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
