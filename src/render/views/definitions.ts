import { memoize } from '../../lib/memo.ts';
import { featureDefinitions } from '../../model/features/features.ts';
import type { RenderInput } from '../../model/render-input.ts';
import { compareText } from '../../model/route.ts';
import type { Location, RouteTable } from '../../model/route-table/table.ts';
import { choiceDefinitions } from './choice-views.ts';
import { factsOf, locationsOf } from './table.ts';

/** What features define for all locations together. */
export function definitions(
  table: RouteTable,
  { nginx, trustedProxies }: Pick<RenderInput, 'nginx' | 'trustedProxies'>,
) {
  const all = [
    ...locationsOf(table).flatMap(definitionsOf),
    ...choiceDefinitions(table, { maxBodySize: nginx.ClientMaxBodySize }, trustedProxies.length > 0),
  ];
  const byKey = new Map(all.map((definition) => [definition.key, definition]));
  return [...byKey.values()].toSorted((a, b) => compareText(a.key, b.key));
}

const definitionsOf = memoize((location: Location) => featureDefinitions(location.options, factsOf(location)));
