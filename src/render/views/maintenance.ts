import { digest } from '../../lib/digest.ts';
import { toGeo } from '../../model/allow-list.ts';
import { compareText, type Maintenance } from '../../model/route.ts';
import type { RouteTable } from '../../model/route-table/table.ts';

/** The nginx variables that show which clients are allowed, one for each allow list. */
function allowVariable({ allow }: Maintenance): string {
  return `maintenance_${digest(allow.join())}`;
}

export function allowLists({ servers, fallback }: RouteTable) {
  const all = [
    ...servers.flatMap(({ maintenance, locations }) => [
      maintenance,
      ...locations.map((location) => location.maintenance),
    ]),
    ...fallback.map((location) => location.maintenance),
  ].filter((maintenance) => maintenance !== undefined && maintenance.allow.length > 0) as Maintenance[];
  const byVariable = new Map(all.map((maintenance) => [allowVariable(maintenance), maintenance.allow]));
  return [...byVariable]
    .toSorted(([a], [b]) => compareText(a, b))
    .map(([variable, networks]) => ({ variable, networks: toGeo(networks) }));
}

export function toMaintenanceView(maintenance: Maintenance | undefined, isGrpc = false) {
  const passes = maintenance !== undefined && maintenance.allow.length > 0;
  return {
    maintenance: maintenance && { variable: passes ? allowVariable(maintenance) : undefined, isGrpc },
    /** No client is allowed, because there is no upstream. */
    isShut: maintenance !== undefined && !passes,
  };
}
