import { featureConflicts } from '../features/features.ts';
import type { LabelName } from '../labels/labels.ts';
import type { Problem } from '../problem.ts';
import type { ProblemText } from '../problem-kind.ts';
import { problemKind } from '../problem-kind.ts';
import { labelName, type Route, type RouteOptions } from '../route.ts';

export const labelsDisagree = problemKind({
  id: 'labels-disagree',
  severity: 'warning',
  meaning: `Services that share a host and path set different values of an option. The value of the oldest service applies to all.`,
  reason: (label: string, service: string, oldest: string) =>
    `${label} of ${service} conflicts with ${oldest}, an older service on the same hosts, whose value applies`,
  remedy: 'Set the same value on both services.',
  example: ['read_timeout', 'shop_new', 'shop_web'],
  at: 'com.docker.lb.read_timeout',
});

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
  return shared(label, other, host, labelsDisagree(label, service.name, oldest.service.name));
}

/** Two services may share many hosts: that is one problem. */
export function shared(
  name: LabelName,
  { service: { name: service }, path, labels }: Route,
  host: string,
  text: ProblemText,
): Problem {
  const label = labelName(name, labels);
  return { ...text, service, label, affects: [{ service, label, routes: [host + (path || '/')] }] };
}
