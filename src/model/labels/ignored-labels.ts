import { type Problem, shownValue } from '../problem.ts';
import type { SwarmService } from '../snapshot.ts';
import { isHrmLabel } from './hrm-labels.ts';
import { isUnset, LABEL_PREFIX } from './label.ts';
import { meantLabel } from './near-miss.ts';

type Labels = Readonly<Record<string, string>>;

const AT_SERVICE =
  'Set it on the service: under deploy.labels in a compose file, or with docker service create --label.';

/** Labels that are probably intended for routing but have no effect: on the containers, or with a mistyped name. */
export function ignoredLabels({ name, labels, containerLabels = {} }: SwarmService): Problem[] {
  const onService = meantLabels(labels).filter(({ meant }) => !isSet(labels, meant));
  const onContainers = [...routingLabels(containerLabels), ...meantLabels(containerLabels)].filter(
    ({ label, meant }) => !isSet(labels, label) && !isSet(labels, meant),
  );
  return [
    ...onService.map((found) => toProblem(name, found, 'warning', 'is an unknown label', suggestion(found))),
    ...onContainers.map((found) => misplaced(name, found)),
  ];
}

/** The labels of containers that may be relevant: services have many others. */
export function routingContainerLabels(all: Labels): Labels | undefined {
  const found = [...routingLabels(all), ...meantLabels(all)].map(({ label, value }) => [label, value] as const);
  return found.length === 0 ? undefined : Object.fromEntries(found);
}

interface Found {
  readonly label: string;
  readonly value: string;
  /** The correct name; the label itself if its name is correct. */
  readonly meant: string;
}

function routingLabels(all: Labels): Found[] {
  return written(all)
    .filter(([label]) => label.startsWith(LABEL_PREFIX) || isHrmLabel(label))
    .map(([label, value]) => ({ label, value, meant: label }));
}

function meantLabels(all: Labels): Found[] {
  return written(all).flatMap(([label, value]) => {
    const meant = meantLabel(label);
    return meant === undefined ? [] : [{ label, value, meant }];
  });
}

function written(all: Labels): [string, string][] {
  return Object.entries(all).filter(([, value]) => !isUnset(value));
}

function isSet(labels: Labels, label: string): boolean {
  return !isUnset(labels[label] ?? '');
}

function misplaced(service: string, found: Found): Problem {
  if (found.label === found.meant)
    return toProblem(service, found, 'error', 'is set on the containers, where it has no effect', AT_SERVICE);
  const reason = 'is an unknown label, and is set on the containers';
  return toProblem(service, found, 'warning', reason, `${suggestion(found)} ${AT_SERVICE}`);
}

function suggestion({ meant }: Found): string {
  return `Did you mean ${meant}?`;
}

function toProblem(
  service: string,
  { label, value }: Found,
  severity: Problem['severity'],
  reason: string,
  remedy: string,
): Problem {
  return { severity, service, label: shownValue(label), value: shownValue(value), reason, remedy };
}
