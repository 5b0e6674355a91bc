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
  /** By name in lower case. */
  readonly headers: ReadonlyMap<string, string>;
}

export function holds(match: Match, request: MatchedRequest): boolean {
  return match.every((condition) => {
    if (condition.kind === 'method') return condition.methods.includes(request.method);
    const value = givenValue(condition, request);
    return condition.value === undefined ? value !== undefined : value === condition.value;
  });
}

/** Undefined if the request has no such header, cookie or parameter. An empty header is none. */
function givenValue({ kind, name }: Exclude<Condition, { kind: 'method' }>, { query, headers }: MatchedRequest) {
  if (kind === 'query') return new URLSearchParams(query).get(name) ?? undefined;
  if (kind === 'header') return headers.get(name) || undefined;
  return cookieIn(headers.get('cookie') ?? '', name);
}

/** The first cookie with the name decides, as for the proxies. */
function cookieIn(header: string, name: string): string | undefined {
  const parts = header.split(';').map((part) => part.trim());
  return parts.find((part) => part.startsWith(`${name}=`))?.slice(name.length + 1);
}
