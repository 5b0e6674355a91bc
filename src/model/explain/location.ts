import { holds, matchKey, writtenMatch } from '../match.ts';
import { matchesPath, type PathPattern, pathKind, patternText } from '../path-pattern.ts';
import type { Location } from '../route-table/table.ts';
import type { ExplainedRoute, PassedOver } from './explanation.ts';
import type { Asked } from './request.ts';
import type { Site } from './site.ts';

export function chooseLocation({ name, locations }: Site, path: string, { uri, method, headers }: Asked) {
  const request = { method, headers, query: /\?(.*)$/s.exec(uri)?.[1] ?? '' };
  const isMeant = ({ match }: Location) => match === undefined || holds(match, request);
  const first = locations.find((candidate) => matchesPath(path, candidate.path) && isMeant(candidate));
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
  const kind = pathKind(root);
  if (match !== undefined) return `The request matches ${writtenMatch(match)}, at ${PLACES[kind]} ${shown(root)}.`;
  if (root === '') return `The path ${path} matches no other context root.`;
  if (kind !== 'prefix') return `The path ${path} matches ${PLACES[kind]} ${shown(root)}.`;
  return `The path ${path} matches the context root ${root}, the longest that matches.`;
}

const PLACES = { exact: 'the exact path', regex: 'the regular expression', prefix: 'the context root' } as const;

function shown(root: PathPattern): string {
  return patternText(root) || '/';
}

interface Choice {
  readonly path: string;
  readonly chosen: Location | undefined;
  readonly isMeant: boolean;
}

function reasonOf(other: Location, { path, chosen, isMeant }: Choice): string {
  const { path: root, match } = other;
  if (!matchesPath(path, root)) return `The path ${path} does not match ${shown(root)}.`;
  if (match !== undefined && !isMeant) return `It receives only requests with ${writtenMatch(match)}.`;
  if (chosen?.weight !== undefined && isSharing(other, chosen)) return 'It has a share of the requests by weight.';
  if (chosen?.path === root) return 'It matches too, but more conditions take precedence, or an older service.';
  const kind = pathKind(chosen?.path ?? '');
  if (kind === 'prefix') return 'Its path matches too, but a longer context root takes precedence.';
  return `Its path matches too, but ${PLACES[kind]} ${shown(chosen!.path)} takes precedence.`;
}

export function passOver(host: string, locations: readonly Location[], reason: string): PassedOver[] {
  return locations.map((location) => ({ route: toRoute(host, location), reason }));
}

export function toRoute(host: string, { path, match, services }: Location): ExplainedRoute {
  return { host, path: path || '/', ...(match && { match: writtenMatch(match) }), services };
}
