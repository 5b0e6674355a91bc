import { isBelow } from '../path.ts';
import type { Location } from '../route-table/table.ts';
import type { ExplainedRoute, PassedOver } from './explanation.ts';
import type { Site } from './site.ts';

export function chooseLocation({ name, locations }: Site, path: string) {
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

export function passOver(host: string, locations: readonly Location[], reason: string): PassedOver[] {
  return locations.map((location) => ({ route: toRoute(host, location), reason }));
}

export function toRoute(host: string, { path, services }: Location): ExplainedRoute {
  return { host, path: path || '/', services };
}
