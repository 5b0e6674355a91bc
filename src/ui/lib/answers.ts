import type { RouteView } from '../../controller/admin/state.ts';
import { explainLink } from './asked-request.ts';
import type { Aspect } from './health.ts';

type Kind = RouteView['answer']['kind'];

/** Groups of answers, in the order of the filter chips. */
export const answerGroups = [
  'answering',
  'some tasks',
  'not answering',
  'waiting',
  'maintenance',
  'off',
  'shadowed',
] as const;
export type AnswerGroup = (typeof answerGroups)[number];

interface Shown {
  readonly group: AnswerGroup;
  readonly aspect: Aspect;
  /** The answer in a few words, before the reason. */
  readonly title: string;
}

const shown: Readonly<Record<Kind, Shown>> = {
  service: { group: 'answering', aspect: 'clear', title: 'Answers' },
  'tls-only': { group: 'answering', aspect: 'clear', title: 'Answers over TLS' },
  'some-tasks': { group: 'some tasks', aspect: 'caution', title: 'Degraded' },
  'no-task-runs': { group: 'not answering', aspect: 'danger', title: 'Not answering' },
  certificate: { group: 'not answering', aspect: 'danger', title: 'Certificate' },
  closed: { group: 'not answering', aspect: 'danger', title: 'Closed' },
  'roll-out': { group: 'waiting', aspect: 'caution', title: 'Waiting' },
  maintenance: { group: 'maintenance', aspect: 'caution', title: 'Maintenance' },
  'no-tasks-desired': { group: 'off', aspect: 'off', title: 'Off' },
  shadowed: { group: 'shadowed', aspect: 'off', title: 'Shadowed' },
};

export function shownAnswer({ answer }: RouteView): Shown {
  return shown[answer.kind];
}

/** The number of routes in each group that has any. */
export function countAnswers(routes: readonly RouteView[]): ReadonlyMap<AnswerGroup, number> {
  const groups = Map.groupBy(routes, (route) => shownAnswer(route).group);
  return new Map(answerGroups.flatMap((group) => (groups.has(group) ? [[group, groups.get(group)!.length]] : [])));
}

/** Where the page explains the answer: the problem, or the way of a request to the route. Undefined if the text says everything. */
export function whyLink(route: RouteView): string | undefined {
  const { answer } = route;
  if (answer.problemOf !== undefined) return `#/problems?${new URLSearchParams({ service: answer.problemOf })}`;
  const isPlain = answer.kind === 'service' || answer.kind === 'no-tasks-desired';
  return isPlain ? undefined : explainLink(route);
}
