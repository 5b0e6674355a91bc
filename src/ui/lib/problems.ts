import type { State } from '../../controller/admin/state.ts';
import type { Aspect } from './health.ts';

export { concerns } from '../../model/problem.ts';

export type Problem = State['problems'][number];

/** The card a problem is shown in: its service, its cluster, or the shared one for a cause that affects several services. */
export function ownerOf({ service, cluster, affects }: Problem): string {
  if (service !== undefined) return service;
  if (new Set(affects?.map((each) => each.service)).size > 1) return 'Several services';
  return cluster === undefined ? 'Settings' : `Cluster ${cluster}`;
}

interface Severity {
  readonly rank: number;
  readonly aspect: Aspect;
  readonly title: string;
}

export const severities: Readonly<Record<Problem['severity'], Severity>> = {
  error: { rank: 0, aspect: 'danger', title: 'Error' },
  warning: { rank: 1, aspect: 'caution', title: 'Warning' },
  notice: { rank: 2, aspect: 'off', title: 'Notice' },
};

/** The most severe first. */
export function sortProblems(problems: readonly Problem[]): Problem[] {
  return problems.toSorted((a, b) => severities[a.severity].rank - severities[b.severity].rank);
}

/** For a ticket or a chat. */
export function problemText({ id, severity, label, value, reason, remedy }: Problem, same: readonly Problem[]): string {
  const subject = label === undefined ? '' : `${label}${value === undefined ? '' : `=${JSON.stringify(value)}`}: `;
  const owners = [...new Set(same.map(ownerOf))].join(', ');
  return [`${severity}: ${subject}${reason}`, `Fix: ${remedy}`, owners, ...(id === undefined ? [] : [id])].join('\n');
}
