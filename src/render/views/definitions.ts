import { memoize } from '../../lib/memo.ts';
import { featureDefinitions } from '../../model/features/features.ts';
import { compareText } from '../../model/route.ts';
import type { Location, RouteTable } from '../../model/route-table/table.ts';
import { factsOf, locationsOf } from './table.ts';

/** What features define for all locations together. */
export function definitions(table: RouteTable) {
  const byKey = new Map(
    locationsOf(table)
      .flatMap(definitionsOf)
      .map((definition) => [definition.key, definition]),
  );
  return [...byKey.values()].toSorted((a, b) => compareText(a.key, b.key));
}

const definitionsOf = memoize((location: Location) => featureDefinitions(location.options, factsOf(location)));
