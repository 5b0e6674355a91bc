import type { Problem } from './problem.ts';

type Severity = Problem['severity'];

/** What a kind says in one case. The place where the problem occurs adds service, cluster, label and value. */
export type ProblemText = Pick<Problem, 'id' | 'severity' | 'reason' | 'remedy'>;

/**
 * A kind of problem, defined next to the code that finds it. It is called with the facts of a case. `docs/problems.md` is generated from all exported
 * kinds: the example there is the text for the arguments in `example`.
 */
export interface ProblemKind<Facts extends readonly unknown[] = readonly never[]> {
  (...facts: Facts): ProblemText;
  readonly definition: KindDefinition<Facts>;
}

export interface KindDefinition<Facts extends readonly unknown[]> {
  /** Never changes: links, filters and scripts use it. */
  readonly id: string;
  /** If there are several, the first is the default and the place decides. */
  readonly severity: Severity | readonly [Severity, ...Severity[]];
  /** The cause and the consequence, in sentences, for the documentation. */
  readonly meaning: string;
  readonly reason: (...facts: Facts) => string;
  readonly remedy: string | ((...facts: Facts) => string);
  /** Facts of the example in the documentation. */
  readonly example: NoInfer<Facts>;
  /** The label or settings key of the example, before its reason. */
  readonly at?: string;
}

export function problemKind<Facts extends readonly unknown[]>(definition: KindDefinition<Facts>): ProblemKind<Facts> {
  const { id, severity, reason, remedy } = definition;
  const usual = typeof severity === 'string' ? severity : severity[0];
  const text = (...facts: Facts): ProblemText => ({
    id,
    severity: usual,
    reason: reason(...facts),
    remedy: typeof remedy === 'string' ? remedy : remedy(...facts),
  });
  return Object.assign(text, { definition });
}

/** For kinds whose text depends on the place: it passes reason and remedy. */
export const asGiven = {
  reason: (reason: string, _remedy: string): string => reason,
  remedy: (_reason: string, remedy: string): string => remedy,
} as const;

export function isProblemKind(value: unknown): value is ProblemKind {
  return typeof value === 'function' && 'definition' in value;
}
