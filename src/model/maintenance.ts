import { z } from 'zod';
import { memoize, memoizeLast } from '../lib/memo.ts';
import type { RoutedService } from './parse-service.ts';
import type { Problem } from './problem.ts';
import { problemKind } from './problem-kind.ts';
import type { Maintenance, Route } from './route.ts';

export const maintenanceUnknown = problemKind({
  id: 'maintenance-unknown',
  severity: 'notice',
  meaning: `A host or service under maintenance no longer has a route. It may have been renamed.`,
  reason: (kind: string, _name: string) => `is a ${kind} under maintenance that matches no route`,
  remedy: (_kind, name) => `End it: signalbox maintenance off ${name}`,
  example: ['host', 'app.example.org'],
});

/** The host of routes for all unknown hosts. */
export const ANY_HOST = '*';

/** A host or a service that an administrator put under maintenance. */
export const maintenanceSchema = z
  .object({
    kind: z.enum(['host', 'service']),
    /** As shown for routes: a wildcard with its star, an expression without its tilde, `*` for all unknown hosts. */
    name: z.string(),
    allow: z.array(z.string()).readonly(),
    who: z.string(),
    since: z.iso.datetime(),
    /** For administrators. */
    reason: z.string().exactOptional(),
    /** When it ends automatically. */
    until: z.iso.datetime().exactOptional(),
  })
  .readonly();
export type MaintenanceDecision = z.infer<typeof maintenanceSchema>;
export type MaintenanceTarget = Pick<MaintenanceDecision, 'kind' | 'name'>;

export function isTarget({ kind, name }: MaintenanceTarget, other: MaintenanceTarget): boolean {
  return kind === other.kind && name === other.name;
}

/** Decisions whose time is over. */
export function expired(decisions: readonly MaintenanceDecision[], now: number): MaintenanceDecision[] {
  return decisions.filter(({ until }) => until !== undefined && Date.parse(until) <= now);
}

/** The host names by which a route can be put under maintenance. */
export function hostNames({ hosts, isDefault }: Pick<Route, 'hosts' | 'isDefault'>): string[] {
  return [...hosts.map(({ name }) => name), ...(isDefault ? [ANY_HOST] : [])];
}

/** Applies administrators' maintenance decisions. A decision about a host takes precedence over one about a service, and both over a label. */
export function closeForMaintenance(
  routed: readonly RoutedService[],
  decisions: readonly MaintenanceDecision[],
): readonly RoutedService[] {
  return decisions.length === 0 ? routed : routed.flatMap(closings(decisions));
}

/** Cached: the same decisions close a service in the same way. */
const closings = memoizeLast((decisions: readonly MaintenanceDecision[]) =>
  memoize((service: RoutedService) => close(service, decisions)),
);

function close(service: RoutedService, decisions: readonly MaintenanceDecision[]): RoutedService[] {
  const allowed = (kind: MaintenanceDecision['kind'], name: string): Maintenance | undefined => {
    const decision = decisions.find((candidate) => isTarget(candidate, { kind, name }));
    return decision && { allow: decision.allow };
  };
  const { route } = service;
  const own = allowed('service', route.service.name) ?? route.maintenance;
  const names = hostNames(route);
  const closed = names.flatMap((name) => {
    const maintenance = allowed('host', name);
    return maintenance === undefined ? [] : [{ name, maintenance }];
  });
  if (closed.length === 0 && own === route.maintenance) return [service];
  // One route for each closed host, and one for the rest. Their peers are the same and counted once.
  const parts = closed.map(({ name, maintenance }) => ({ ...only(route, [name]), maintenance }));
  const open = names.filter((name) => !closed.some((other) => other.name === name));
  const rest = open.length > 0 ? [{ ...only(route, open), maintenance: own }] : [];
  return [...rest, ...parts].map((part, position) => ({
    ...service,
    route: part,
    peerCount: position === 0 ? service.peerCount : 0,
  }));
}

function only(route: Route, names: readonly string[]): Route {
  return {
    ...route,
    hosts: route.hosts.filter(({ name }) => names.includes(name)),
    isDefault: route.isDefault && names.includes(ANY_HOST),
  };
}

/** Decisions about unknown targets, which may have been renamed or may not exist yet. */
export function unknownTargets(routed: readonly RoutedService[], decisions: readonly MaintenanceDecision[]): Problem[] {
  return decisions
    .filter((decision) => !routed.some(({ route }) => isPartOf(route, decision)))
    .map(({ kind, name }) => ({
      ...maintenanceUnknown(kind, name),
      ...(kind === 'service' ? { service: name } : {}),
      value: name,
    }));
}

/** Whether the target is the route's service or one of its hosts. */
export function isPartOf(
  route: Pick<Route, 'service' | 'hosts' | 'isDefault'>,
  { kind, name }: MaintenanceTarget,
): boolean {
  return kind === 'service' ? route.service.name === name : hostNames(route).includes(name);
}
