import { type Problem, problemKey } from '../../model/problem.ts';

/** Problems by `problemKey`. */
export type ByKey = ReadonlyMap<string, Problem>;

/** The difference between what the receiver knows and what is. */
export interface Changes {
  readonly appeared: readonly Problem[];
  readonly resolved: readonly Problem[];
  readonly current: ByKey;
}

export function byKey(problems: readonly Problem[], severities: readonly Problem['severity'][]): ByKey {
  const chosen = problems.filter(({ severity }) => severities.includes(severity));
  return new Map(chosen.map((problem) => [problemKey(problem), problem]));
}

/** Undefined if there are none. */
export function changesSince(known: ByKey, current: ByKey): Changes | undefined {
  const without = (problems: ByKey, others: ByKey) =>
    [...problems].flatMap(([key, problem]) => (others.has(key) ? [] : problem));
  const [appeared, resolved] = [without(current, known), without(known, current)];
  return appeared.length + resolved.length === 0 ? undefined : { appeared, resolved, current };
}
