import { compareText } from './route.ts';

/** Conditions on requests, sorted; all must hold. Empty: they are invalid, so no request is known to be meant. */
export type Match = readonly Condition[];

export type Condition =
  | { readonly kind: 'method'; readonly methods: readonly string[] }
  | {
      readonly kind: 'header' | 'cookie' | 'query';
      /** In lower case for headers, whose names are case-insensitive. */
      readonly name: string;
      /** Absent: any value. */
      readonly value?: string | undefined;
    };

/** Equal for equal sets of conditions. */
export function matchKey(match: Match | undefined): string {
  return JSON.stringify(match ?? null);
}

/** As the label writes it. */
export function writtenMatch(match: Match): string {
  return match.map(writtenCondition).join(', ');
}

export function writtenCondition(condition: Condition): string {
  if (condition.kind === 'method') return `method:${condition.methods.join('|')}`;
  const { kind, name, value } = condition;
  return `${kind}:${name}${value === undefined ? '' : `=${value}`}`;
}

export function sortConditions(conditions: readonly Condition[]): Match {
  return conditions.toSorted((a, b) => compareText(writtenCondition(a), writtenCondition(b)));
}

/** The order of the Gateway API: a method first, then the number of headers, then that of query parameters. */
export function compareMatches(a: Match = [], b: Match = []): number {
  const [own, other] = [rankOf(a), rankOf(b)];
  return own.map((count, n) => other[n]! - count).find((difference) => difference !== 0) ?? 0;
}

/** A cookie is part of a header. */
function rankOf(match: Match): readonly number[] {
  const count = (...kinds: readonly Condition['kind'][]) => match.filter(({ kind }) => kinds.includes(kind)).length;
  return [count('method'), count('header', 'cookie'), count('query')];
}

/** What is known of a request. */
export interface MatchedRequest {
  readonly method: string;
  /** Without the question mark. */
  readonly query: string;
}

/** Whether the conditions hold for a request without the headers and cookies that they name. */
export function holds(match: Match, { method, query }: MatchedRequest): boolean {
  const parameters = new URLSearchParams(query);
  return match.every((condition) => {
    if (condition.kind === 'method') return condition.methods.includes(method);
    if (condition.kind !== 'query') return false;
    const value = parameters.get(condition.name);
    return condition.value === undefined ? value !== null : value === condition.value;
  });
}
