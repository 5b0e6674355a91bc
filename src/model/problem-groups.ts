import type { SentProblem } from './problem.ts';

type Severity = SentProblem['severity'];

export const severityOrder: readonly Severity[] = ['error', 'warning', 'notice'];

/** Problems of one kind, the most frequent cause first. */
export interface ProblemGroup<T extends SentProblem = SentProblem> {
  readonly severity: Severity;
  /** Undefined for problems of earlier releases. */
  readonly id: string | undefined;
  readonly causes: readonly Cause<T>[];
  /** Number of problems. */
  readonly count: number;
}

/** Problems with the same text, which have the same fix. */
export interface Cause<T extends SentProblem = SentProblem> {
  readonly problem: T;
  /** All of them, the first included. */
  readonly same: readonly T[];
}

export interface ProblemFilter {
  /** Problems that are at least as severe. */
  readonly severity?: Severity | undefined;
  /** Words that all occur in the problem, in any order and case. */
  readonly text?: string | undefined;
}

/** The worst first: by severity, then by the number of problems. */
export function groupProblems<T extends SentProblem>(problems: readonly T[]): ProblemGroup<T>[] {
  const byKind = Map.groupBy(problems, ({ severity, id }) => `${severity} ${id ?? ''}`);
  return [...byKind.values()]
    .map((own) => ({ severity: own[0]!.severity, id: own[0]!.id, causes: causesOf(own), count: own.length }))
    .toSorted(
      (a, b) =>
        rank(a) - rank(b) ||
        Number(a.id === undefined) - Number(b.id === undefined) ||
        b.count - a.count ||
        compare(a.id ?? '', b.id ?? ''),
    );
}

function causesOf<T extends SentProblem>(problems: readonly T[]): Cause<T>[] {
  const byText = Map.groupBy(problems, ({ cluster, label, value, reason, remedy, affects }) =>
    JSON.stringify([
      cluster,
      label,
      value,
      reason,
      remedy,
      affects === undefined ? 0 : affects.map((one) => one.label),
    ]),
  );
  return [...byText.values()]
    .map((same) => ({ problem: same[0]!, same }))
    .toSorted((a, b) => b.same.length - a.same.length);
}

export function filterProblems<T extends SentProblem>(
  problems: readonly T[],
  { severity, text = '' }: ProblemFilter,
): T[] {
  const words = text
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== '');
  const least = severity === undefined ? severityOrder.length : severityOrder.indexOf(severity);
  return problems.filter((problem) => rank(problem) <= least && hasWords(problem, words));
}

function hasWords(problem: SentProblem, words: readonly string[]): boolean {
  if (words.length === 0) return true;
  const { id, service, cluster, label, value, reason, remedy, affects = [] } = problem;
  const affected = affects.flatMap((one) => [one.service, one.label, ...one.routes]);
  const text = [id, service, cluster, label, value, reason, remedy, ...affected].join('\n').toLowerCase();
  return words.every((word) => text.includes(word));
}

function rank({ severity }: { readonly severity: Severity }): number {
  return severityOrder.indexOf(severity);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : 1;
}
