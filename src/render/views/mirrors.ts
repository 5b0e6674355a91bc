import { digest } from '../../lib/digest.ts';
import type { Definition } from '../../model/features/feature.ts';
import { mirrorId, mirrorUpstream } from '../../model/features/mirror.ts';
import { MIRROR_SOCKET } from '../../model/proxy-places.ts';
import type { Location, RouteTable } from '../../model/route-table/table.ts';
import { type RepeatedHeaders, toRequestHeadersView } from '../request-headers.ts';
import { locationsOf } from './table.ts';

/** The location that sends a copy of a request, for locations whose services receive the same headers. */
export function toMirrorView(location: Location, repeated: RepeatedHeaders) {
  const { mirror } = location.options;
  const upstream = mirror && mirrorUpstream(mirror);
  if (mirror === undefined || upstream === undefined) return undefined;
  const view = {
    target: mirrorId(upstream),
    share: mirror.percent === 100 ? undefined : shareVariable(mirror.percent),
    requestHeaders: toRequestHeadersView(location, repeated),
  };
  return { ...view, id: digest(JSON.stringify(view)), socket: MIRROR_SOCKET };
}

function shareVariable(percent: number): string {
  return `mirrored_${percent}`;
}

export function mirrorDefinitions({ options }: Location): Definition[] {
  const { mirror } = options;
  if (mirror === undefined || mirror.percent === 100 || mirrorUpstream(mirror) === undefined) return [];
  const variable = shareVariable(mirror.percent);
  return [{ key: variable, partial: 'define-mirrored', bytes: 0, variable, percent: mirror.percent }];
}

/** The services that receive copies. */
export function mirrorTargets(table: RouteTable) {
  const all = locationsOf(table).flatMap(({ options, upstream }) => {
    const target = upstream !== undefined && options.mirror ? mirrorUpstream(options.mirror) : undefined;
    return target === undefined ? [] : [{ id: mirrorId(target), upstream: target.name }];
  });
  return [...new Map(all.map((target) => [target.id, target])).values()].toSorted((a, b) => (a.id < b.id ? -1 : 1));
}
