import type { Answers, RouteText } from './answers.ts';

/** What changes from one version to another, in words. */
export interface VersionChanges {
  /** Hosts that only the new version answers, and ports of connections. */
  readonly appear: readonly string[];
  readonly disappear: readonly string[];
  /** Such as `+ shop.example.org → shop_web`, `− …` and `~ …`. */
  readonly lines: readonly string[];
}

export function compareAnswers(before: Answers, after: Answers): VersionChanges {
  const lines: string[] = [];
  for (const [key, route] of after.routes) {
    const old = before.routes.get(key);
    const to = targetsOf(route, after);
    const from = old && targetsOf(old, before);
    if (from === undefined) lines.push(`+ ${key} → ${to}`);
    else if (from !== to || old?.digest !== route.digest) lines.push(changed(key, from, to));
  }
  for (const [key, route] of before.routes)
    if (!after.routes.has(key)) lines.push(`− ${key} → ${targetsOf(route, before)}`);
  const hostsBefore = hostsOf(before);
  const hostsAfter = hostsOf(after);
  const appear = [...hostsAfter].filter((host) => !hostsBefore.has(host)).toSorted();
  const disappear = [...hostsBefore].filter((host) => !hostsAfter.has(host)).toSorted();
  // Definitions of routes, such as lists of addresses, are outside of their servers as well.
  if (lines.length === 0 && before.common !== after.common)
    lines.push('~ settings, or definitions that several routes share');
  return { appear, disappear, lines: lines.toSorted(byRoute) };
}

function changed(key: string, before: string, after: string): string {
  return before === after ? `~ ${key} → ${after}: other options` : `~ ${key}: ${before} → ${after}`;
}

function targetsOf({ targets }: RouteText, { upstreams }: Answers): string {
  const services = new Set(targets.flatMap((target) => upstreams.get(target) ?? [target]));
  // A redirect to HTTPS in front of a service is not its answer.
  if (services.size > 1) services.delete('redirect');
  return [...services].toSorted().join(', ');
}

function hostsOf({ routes }: Answers): Set<string> {
  return new Set([...routes.values()].map(({ host }) => host));
}

function byRoute(a: string, b: string): number {
  return a.slice(2) < b.slice(2) ? -1 : 1;
}
