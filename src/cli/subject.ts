import type { SentProblem } from '../model/problem.ts';

/** What a problem is about: its label or setting, and the value. */
export function subjectOf({ label, value }: Pick<SentProblem, 'label' | 'value'>): string[] {
  return [label, value === undefined ? undefined : JSON.stringify(value)].filter((part) => part !== undefined);
}
