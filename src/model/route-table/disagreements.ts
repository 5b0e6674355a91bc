import { featureConflicts } from '../features/features.ts';
import type { LabelName } from '../labels/labels.ts';
import type { Problem } from '../problem.ts';
import { labelName, type Route, type RouteOptions } from '../route.ts';

export function disagreements([oldest, ...others]: readonly Route[], host: string): Problem[] {
  const names = Object.keys(featureConflicts) as (keyof RouteOptions)[];
  const differs = (a: Route, b: Route, name: keyof RouteOptions) =>
    JSON.stringify(a.options[name]) !== JSON.stringify(b.options[name]);
  return others.flatMap((other) =>
    names
      .filter((name) => differs(oldest!, other, name))
      .map((name) => disagreement(optionLabel(name, oldest!, other), oldest!, other, host)),
  );
}

/** The label that this service wrote; otherwise the older service's label that this one lacks. */
function optionLabel(option: keyof RouteOptions, { labels: older }: Route, { labels: own }: Route): LabelName {
  return own?.deciding[option] ?? older?.deciding[option] ?? featureConflicts[option];
}

export function disagreement(label: LabelName, oldest: Route, other: Route, host: string): Problem {
  const { service } = other;
  return shared(label, other, host, {
    severity: 'warning',
    reason: `${label} of ${service.name} conflicts with ${oldest.service.name}, an older service on the same hosts, whose value applies`,
    remedy: 'Set the same value on both services.',
  });
}

/** Two services may share many hosts: that is one problem. */
export function shared(
  name: LabelName,
  { service: { name: service }, path, labels }: Route,
  host: string,
  { severity, ...problem }: Pick<Problem, 'severity' | 'reason' | 'remedy'>,
): Problem {
  const label = labelName(name, labels);
  return { severity, service, label, ...problem, affects: [{ service, label, routes: [host + (path || '/')] }] };
}
