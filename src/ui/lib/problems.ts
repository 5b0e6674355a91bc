import type { State } from '../../admin/state.ts';
import type { Aspect } from './health.ts';

export type Problem = State['problems'][number];

interface Severity {
  readonly rank: number;
  readonly aspect: Aspect;
  readonly title: string;
}

export const severities: Readonly<Record<Problem['severity'], Severity>> = {
  error: { rank: 0, aspect: 'danger', title: 'Not done' },
  warning: { rank: 1, aspect: 'caution', title: 'Probably not as meant' },
  notice: { rank: 2, aspect: 'off', title: 'Good to know' },
};

/** The worst first. */
export function sortProblems(problems: readonly Problem[]): Problem[] {
  return problems.toSorted((a, b) => severities[a.severity].rank - severities[b.severity].rank);
}
