import { memoize } from '../../lib/memo.ts';
import { fallbackUpstream, fallbackVariable } from '../../model/features/fallback.ts';
import type { Definition } from '../../model/features/feature.ts';
import { featureDefinitions } from '../../model/features/features.ts';
import { STATUS_SERVER } from '../../model/proxy-places.ts';
import type { RenderInput } from '../../model/render-input.ts';
import { compareText } from '../../model/route.ts';
import type { Location, RouteTable } from '../../model/route-table/table.ts';
import { choiceDefinitions } from './choice-views.ts';
import { handlesErrors } from './common.ts';
import { mirrorDefinitions } from './mirrors.ts';
import { factsOf, locationsOf } from './table.ts';

/** What all locations together require in the block `http`. */
export function definitions(table: RouteTable, input: RenderInput) {
  const locations = locationsOf(table);
  const defaults = { maxBodySize: input.nginx.ClientMaxBodySize };
  const all = [
    ...locations.flatMap(definitionsOf),
    ...choiceDefinitions(table, defaults, input.trustedProxies.length > 0),
    ...(handlesErrors(input)
      ? [...locations.flatMap(fallbackDefinitions), ...locations.flatMap(mirrorDefinitions)]
      : []),
  ];
  const byKey = new Map(all.map((definition) => [definition.key, definition]));
  return [...byKey.values()].toSorted((a, b) => compareText(a.key, b.key));
}

const definitionsOf = memoize((location: Location) => featureDefinitions(location.options, factsOf(location)));

function fallbackDefinitions({ options }: Location): Definition[] {
  const upstream = options.fallback && fallbackUpstream(options.fallback);
  if (upstream === undefined) return [];
  const variable = fallbackVariable(upstream);
  return [
    {
      key: variable,
      partial: 'define-fallback',
      bytes: 0,
      variable,
      upstream: upstream.name,
      statusServer: STATUS_SERVER,
    },
  ];
}
