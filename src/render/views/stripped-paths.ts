import { pathBytes } from '../../model/path.ts';
import { strippedRoot } from '../../model/route-table/location.ts';
import type { RouteTable } from '../../model/route-table/table.ts';
import { locationsOf } from './table.ts';

/** One character of a context root in the client's encoding: an escape, a run of slashes, or the character. */
const ROOT_CHARACTER = '(?:(?:/|%2[fF])++|%[0-9a-fA-F]{2}|[^%/?])';

export function headOf(length: number): string {
  return `~^${ROOT_CHARACTER}{${length}}`;
}

/** Maximum number of steps to resolve dot segments; each takes one run of them. */
const RESOLVING_STEPS = 8;

export const resolvingSteps = Array.from({ length: RESOLVING_STEPS }, (_, step) => ({
  name: `step${step + 1}`,
  from: step === 0 ? '$request_uri' : `$resolved${step}_uri`,
  to: step === RESOLVING_STEPS - 1 ? '$resolved_uri' : `$resolved${step + 1}_uri`,
}));

export function strippedLengths(table: RouteTable): number[] {
  const roots = locationsOf(table)
    .map(strippedRoot)
    .filter((root) => root !== undefined);
  const redirected = table.servers.flatMap(({ pathRedirects }) => pathRedirects.map(({ path }) => path));
  return [...new Set([...roots, ...redirected].map(pathBytes))].toSorted((a, b) => a - b);
}
