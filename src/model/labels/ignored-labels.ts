import { type Problem, shownValue } from '../problem.ts';
import { type ProblemText, problemKind } from '../problem-kind.ts';
import type { SwarmService } from '../snapshot.ts';
import { isHrmLabel } from './hrm-labels.ts';
import { isUnset, LABEL_PREFIX } from './label.ts';
import { unknownLabel } from './label-problems.ts';
import { meantLabel } from './near-miss.ts';

type Labels = Readonly<Record<string, string>>;

const AT_SERVICE =
  'Set it on the service: under deploy.labels in a compose file, or with docker service create --label.';

export const labelOnContainers = problemKind({
  id: 'label-on-containers',
  severity: 'error',
  meaning: `A routing label is set on the containers of a service, where Signalbox does not read it. It has no effect.`,
  reason: () => 'is set on the containers, where it has no effect',
  remedy: AT_SERVICE,
  example: [],
  at: 'com.docker.lb.hosts',
});

/** Labels that are probably intended for routing but have no effect: on the containers, or with a mistyped name. */
export function ignoredLabels({ name, labels, containerLabels = {} }: SwarmService): Problem[] {
  const onService = meantLabels(labels).filter(({ meant }) => !isSet(labels, meant));
  const onContainers = [...routingLabels(containerLabels), ...meantLabels(containerLabels)].filter(
    ({ label, meant }) => !isSet(labels, label) && !isSet(labels, meant),
  );
  return [
    ...onService.map((found) => toProblem(name, found, unknownLabel(suggestion(found)))),
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
  if (found.label === found.meant) return toProblem(service, found, labelOnContainers());
  const { remedy, ...text } = unknownLabel(`${suggestion(found)} ${AT_SERVICE}`);
  return toProblem(service, found, { ...text, reason: `${text.reason}, and is set on the containers`, remedy });
}

function suggestion({ meant }: Found): string {
  return `Did you mean ${meant}?`;
}

function toProblem(service: string, { label, value }: Found, text: ProblemText): Problem {
  return { ...text, service, label: shownValue(label), value: shownValue(value) };
}
