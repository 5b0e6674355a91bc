import { memoize } from '../lib/memo.ts';
import { asGiven, problemKind } from './problem-kind.ts';

/**
 * A user's error, as data: it is shown, never thrown, and never affects another service.
 * `error`: not applied. `warning`: applied, but probably not as intended. `notice`: for information.
 */
export interface Problem {
  /** Kind of the problem, a section in `docs/problems.md`. */
  readonly id: string;
  readonly severity: 'error' | 'warning' | 'notice';
  /** Name of the service whose owner can fix it; absent for a problem of the settings, or of several services. */
  readonly service?: string;
  /** Service cluster in which it occurs, if it belongs to one. */
  readonly cluster?: string;
  /** Full label name, or settings key; for a shared cause, the first. */
  readonly label?: string;
  readonly value?: string;
  /** Position in a settings file. */
  readonly place?: { readonly file: string; readonly line: number; readonly column: number };
  /** The error. For a shared cause, a sentence that names it. */
  readonly reason: string;
  /** How to fix it. */
  readonly remedy: string;
  /** Everything that one cause affects, such as the routes of a certificate that expires. Absent if the cause is the label itself. */
  readonly affects?: readonly Affected[];
}

/** As an older controller sends it. */
export type SentProblem = Omit<Problem, 'id'> & Partial<Pick<Problem, 'id'>>;

export interface Affected {
  readonly service?: string;
  /** Full label name, or settings key. */
  readonly label: string;
  /** Host and path, sorted: `app.example.org/path`. */
  readonly routes: readonly string[];
}

/** Maximum length of a user's value in a problem. */
const SHOWN_VALUE_LENGTH = 120;

/** In place of a value that may be confidential. */
export const HIDDEN = '(hidden)';
/** `name:hash` or a hash of a password, as they end up in labels by mistake. */
const PASSWORD_HASH = /\$(?:2[abxy]|apr1|argon2\w*|[156y])\$|\{(?:SSHA|SHA|PLAIN)\}/;

export function shownValue(value: string): string {
  if (PASSWORD_HASH.test(value)) return HIDDEN;
  return value.length > SHOWN_VALUE_LENGTH ? `${value.slice(0, SHOWN_VALUE_LENGTH)}…` : value;
}

/**
 * Identity of a problem: the same error in two passes is one problem, logged once. A shared cause stays the same problem when the number of affected
 * routes changes.
 */
export const problemKey = memoize(({ severity, service, cluster, label, value, reason, affects }: Problem) =>
  JSON.stringify(affects ? [null, severity, reason] : [service, cluster, label, value, severity, reason]),
);

/** Sorts problems and keeps one for each cause. */
export function sortProblems(problems: readonly Problem[]): Problem[] {
  const byKey = Map.groupBy(problems, problemKey);
  return [...byKey].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, same]) => merge(same));
}

const MOST_PER_SERVICE = 20;
const BY_SEVERITY = ['error', 'warning', 'notice'] as const;

export const problemsHidden = problemKind({
  id: 'problems-hidden',
  severity: ['error', 'warning', 'notice'],
  meaning: `A service has more than ${MOST_PER_SERVICE} problems. The most severe are shown.`,
  ...asGiven,
  example: ['The service has 12 more problems, which are not shown', 'Fix the shown problems; the others then appear.'],
});

/** The most severe problems of each service, and the number of others: one service must not fill log, state and page. */
export function limitProblems(problems: readonly Problem[]): Problem[] {
  const byService = Map.groupBy(problems, ({ service }) => service);
  const hidden = new Set<Problem>();
  const summaries: Problem[] = [];
  for (const [service, own] of byService) {
    if (service === undefined || own.length <= MOST_PER_SERVICE) continue;
    const rest = BY_SEVERITY.flatMap((severity) => own.filter((problem) => problem.severity === severity)).slice(
      MOST_PER_SERVICE,
    );
    for (const problem of rest) hidden.add(problem);
    const reason = `The service has ${rest.length} more problems, which are not shown`;
    const remedy =
      'Fix the shown problems; the others then appear. `signalbox lint` shows all problems of a compose file.';
    summaries.push({ ...problemsHidden(reason, remedy), severity: rest[0]!.severity, service });
  }
  return hidden.size === 0 ? [...problems] : [...problems.filter((problem) => !hidden.has(problem)), ...summaries];
}

/** Whether the problem is relevant to a service's owner. */
export function concerns({ service, affects }: Pick<Problem, 'service' | 'affects'>, name: string): boolean {
  return service === name || (affects?.some((each) => each.service === name) ?? false);
}

/** One problem for each label of a shared cause, for views that show problems at the label. */
export function splitByLabel({ affects, ...problem }: Problem): Problem[] {
  if (affects === undefined) return [problem];
  const { service: _, ...shared } = problem;
  return affects.map((each) => ({
    ...shared,
    ...(each.service === undefined ? {} : { service: each.service }),
    label: each.label,
    affects: [each],
  }));
}

const LOGGED = 10;

/** For the log: one line for each problem, however many routes it affects. */
export function shortened(problem: Problem): Problem {
  if (problem.affects === undefined) return problem;
  const affects = problem.affects.slice(0, LOGGED).map((each) => ({ ...each, routes: each.routes.slice(0, LOGGED) }));
  return { ...problem, affects };
}

function merge(same: readonly Problem[]): Problem {
  const [only] = same;
  if (same.length === 1 || only!.affects === undefined) return same.at(-1)!;
  const affects = mergeAffected(same.flatMap((problem) => problem.affects ?? []));
  const first = same.find(({ affects: [each] = [] }) => isSame(each, affects[0]))!;
  const { service, cluster, ...shared } = first;
  return {
    ...shared,
    ...(service !== undefined && same.every((problem) => problem.service === service) ? { service } : {}),
    ...(cluster !== undefined && same.every((problem) => problem.cluster === cluster) ? { cluster } : {}),
    affects,
  };
}

function mergeAffected(all: readonly Affected[]): Affected[] {
  const byLabel = Map.groupBy(all, ({ service, label }) => JSON.stringify([service ?? '', label]));
  return [...byLabel]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([, [first, ...others]]) => ({
      ...first!,
      routes: [...new Set([first!, ...others].flatMap(({ routes }) => routes))].toSorted(),
    }));
}

function isSame(a: Affected | undefined, b: Affected | undefined): boolean {
  return a?.service === b?.service && a?.label === b?.label;
}
