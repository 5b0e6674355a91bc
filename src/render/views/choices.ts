import { digest } from '../../lib/digest.ts';
import { memoize } from '../../lib/memo.ts';
import type { Definition } from '../../model/features/feature.ts';
import { type Condition, type Match, matchKey } from '../../model/match.ts';
import { isBelow } from '../../model/path.ts';
import type { Location } from '../../model/route-table/table.ts';
import { exactly, firstCookie, firstParameter } from '../expressions.ts';

/** Locations of one path: the first one whose conditions hold answers. */
export interface Choice {
  readonly path: string;
  /** The variable with the name of the location that answers. */
  readonly variable: string;
  readonly definitions: readonly Definition[];
}

export interface Choices {
  /** By path. Paths with a single location for all requests have none. */
  readonly byPath: ReadonlyMap<string, Choice>;
  /** Locations that a choice may lead to, with their names. */
  readonly named: readonly { readonly name: string; readonly location: Location }[];
  /** Some requests reach no location. */
  readonly leadsNowhere: boolean;
}

const NONE: Choices = { byPath: new Map(), named: [], leadsNowhere: false };
export const NOWHERE = '@unmatched';

export const choicesOf = memoize((locations: readonly Location[]): Choices => {
  if (locations.every(({ match }) => match === undefined)) return NONE;
  const paths = [...Map.groupBy(locations, ({ path }) => path)].map(([path, own]) => ({ path, own }));
  const byPath = new Map<string, Choice>();
  const named = new Map<string, Location>();
  /** Where requests go that no location of a path matches: to a shorter path. */
  const after = (path: string): string => {
    const next = paths.find((other) => other.path !== path && isBelow(path, other.path));
    if (next === undefined) return NOWHERE;
    const choice = byPath.get(next.path);
    if (choice !== undefined) return `$${choice.variable}`;
    const [location] = next.own;
    named.set(nameOf(location!), location!);
    return nameOf(location!);
  };
  for (const { path, own } of paths.toReversed()) {
    if (own.every(({ match }) => match === undefined)) continue;
    for (const location of own) named.set(nameOf(location), location);
    const all = own.find(({ match }) => match === undefined);
    byPath.set(path, toChoice(path, own, all ? nameOf(all) : after(path)));
  }
  return {
    byPath,
    named: [...named].map(([name, location]) => ({ name, location })),
    leadsNowhere: [...byPath.values()].some(({ definitions }) => definitions.some((one) => one.otherwise === NOWHERE)),
  };
});

/** Unique in its server. */
function nameOf({ path, match }: Location): string {
  return `@match_${digest(`${path} ${matchKey(match)}`)}`;
}

function toChoice(path: string, own: readonly Location[], otherwise: string): Choice {
  const matched = own.filter(({ match }) => match !== undefined);
  const targets = matched.map((location) => [nameOf(location), location.match!] as const);
  const variable = `match_${digest(JSON.stringify([path, targets, otherwise]))}`;
  const steps = targets.map(([target, match], n) =>
    toStep(target, match, {
      variable: n === 0 ? variable : `${variable}_${n}`,
      otherwise: n === targets.length - 1 ? otherwise : `$${variable}_${n + 1}`,
    }),
  );
  return { path, variable, definitions: [...steps, ...targets.flatMap(([, match]) => match.map(toCondition))] };
}

/** One set of conditions, or else the next one. */
function toStep(target: string, match: Match, { variable, otherwise }: { variable: string; otherwise: string }) {
  return {
    key: variable,
    partial: 'define-match',
    bytes: 0,
    variable,
    source: match.map((condition) => `$${conditionVariable(condition)}`).join(''),
    fulfilled: '1'.repeat(match.length),
    target,
    otherwise,
  };
}

function conditionVariable(condition: Condition): string {
  return `matches_${digest(JSON.stringify(condition))}`;
}

function toCondition(condition: Condition): Definition {
  const variable = conditionVariable(condition);
  return { key: variable, partial: 'define-condition', bytes: 0, variable, ...testOf(condition) };
}

/** nginx compares texts case-insensitively, and cookies and parameters by its variables too: expressions do not. */
function testOf(condition: Condition): { readonly source: string; readonly values: readonly string[] } {
  if (condition.kind === 'method') return { source: '$request_method', values: condition.methods };
  const { kind, name, value } = condition;
  if (kind === 'header') return { source: `$http_${name.replaceAll('-', '_')}`, values: [exactly(value)] };
  if (kind === 'cookie') return { source: '$http_cookie', values: [firstCookie(name, value)] };
  return { source: '$args', values: [firstParameter(name, value)] };
}
