import { featureUpstreams } from '../features/features.ts';
import type { Problem } from '../problem.ts';
import { compareOwners, compareText, type Maintenance, type Route } from '../route.ts';
import type { Upstream } from '../upstream.ts';
import { disagreements } from './disagreements.ts';
import { lacking, unprotected } from './protection.ts';
import type { HostTls, Location } from './table.ts';
import { addUpstream } from './upstreams.ts';

/** One location for each path. Services with the same path share it, weighted by the number of their tasks. */
export function buildLocations(
  routes: readonly Route[],
  host: string,
  tls: HostTls,
  upstreams: Map<string, Upstream>,
  problems: Problem[],
): Location[] {
  const byPath = Map.groupBy(routes, ({ path }) => path);
  return [...byPath]
    .toSorted(([a], [b]) => b.length - a.length || compareText(a, b))
    .map(([path, sharing]) => {
      const owners = sharing.toSorted(compareAge);
      problems.push(...disagreements(owners, host));
      const maintenance = sharedMaintenance(owners);
      const lacks = owners.map((owner) => lacking(owner, owners[0]!, tls));
      problems.push(...owners.flatMap((owner, n) => (lacks[n] ? unprotected(lacks[n], owner, host) : [])));
      const protectedOwners = owners.filter((_, n) => lacks[n] === undefined);
      const upstream = addUpstream(answering(protectedOwners, maintenance), owners[0]!.options, upstreams);
      if (upstream !== undefined)
        for (const asked of featureUpstreams(owners[0]!.options)) upstreams.set(asked.name, asked);
      const isHandedOn = owners.some((owner) => owner.tls.kind === 'passthrough' && isOpen(owner));
      const services = [...new Set(owners.map(({ service }) => service.name))];
      const given = owners.flatMap(({ service: { name: service }, labels }) =>
        (labels?.given ?? []).map((value) => ({ service, ...value })),
      );
      const isPending = owners.some(({ acme }) => acme?.isPending);
      const location = { path, options: owners[0]!.options, upstream, maintenance, isHandedOn, isPending, services };
      return given.length === 0 ? location : { ...location, given };
    });
}

function isOpen({ backend, maintenance }: Route): boolean {
  return backend.kind === 'peers' && maintenance === undefined;
}

/** The maintenance of the oldest closed service, if no other service answers. */
function sharedMaintenance(owners: readonly Route[]): Maintenance | undefined {
  return owners.some(isOpen) ? undefined : owners.find(({ maintenance }) => maintenance !== undefined)?.maintenance;
}

/** Services that end TLS themselves do not answer over HTTP. Closed services answer only allowed clients. */
function answering(owners: readonly Route[], closed: Maintenance | undefined): readonly Route[] {
  const plain = owners.filter(({ tls }) => tls.kind !== 'passthrough');
  if (closed === undefined) return plain.filter(({ maintenance }) => maintenance === undefined);
  return closed.allow.length > 0 ? plain : [];
}

export function compareAge(a: Route, b: Route): number {
  return compareOwners(a.service, b.service);
}
