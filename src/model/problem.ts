import { memoize } from '../lib/memo.ts';

/**
 * A user's mistake, as data: it is shown, never thrown, and never touches another service.
 * `error`: something asked for is not done. `warning`: done, but probably not as meant. `notice`: good to know.
 */
export interface Problem {
  readonly severity: 'error' | 'warning' | 'notice';
  /** Name of the service whose owner can mend it; absent for a problem of the settings. */
  readonly service?: string;
  /** Service cluster it appeared in, where it belongs to one. */
  readonly cluster?: string;
  /** Full label name, or settings key. */
  readonly label?: string;
  readonly value?: string;
  /** What is wrong. */
  readonly reason: string;
  /** What would be right. */
  readonly remedy: string;
}

/** The longest piece of a user's value that a problem repeats. */
const SHOWN_VALUE_LENGTH = 120;

export function shownValue(value: string): string {
  return value.length > SHOWN_VALUE_LENGTH ? `${value.slice(0, SHOWN_VALUE_LENGTH)}…` : value;
}

/** Identity of a problem: the same mistake in two passes is one problem, logged once. */
export const problemKey = memoize(({ severity, service, cluster, label, value, reason }: Problem) =>
  JSON.stringify([service, cluster, label, value, severity, reason]),
);

export function sortProblems(problems: readonly Problem[]): Problem[] {
  return [...new Map(problems.map((problem) => [problemKey(problem), problem])).entries()]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([, problem]) => problem);
}
