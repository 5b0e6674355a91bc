import { digest } from '../../lib/digest.ts';
import type { Definition } from '../../model/features/feature.ts';
import { type Match, matchKey } from '../../model/match.ts';
import { matchesPath, type PathPattern, pathKind, patternText } from '../../model/path-pattern.ts';
import type { Location } from '../../model/route-table/table.ts';
import { pathExpression } from '../expressions.ts';
import { conditionVariable, toCondition } from './conditions.ts';
import { type Alternative, alternativesOf, splitOf } from './splits.ts';

/** Locations of one path: the first one whose conditions hold answers, or one of several by weight. */
export interface Choice {
  /** The location that answers, or the variable with its name. */
  readonly target: string;
  readonly definitions: readonly Definition[];
}

export interface Choices {
  /** By path. Paths with a single location for all requests have none. */
  readonly byPath: ReadonlyMap<string, Choice>;
  /** Locations that a choice may lead to. */
  readonly named: readonly Alternative[];
  /** Some requests reach no location. */
  readonly leadsNowhere: boolean;
  /** No service has a share of some requests. */
  readonly leadsToNobody: boolean;
}

const NONE: Choices = { byPath: new Map(), named: [], leadsNowhere: false, leadsToNobody: false };
export const NOWHERE = '@unmatched';
export const NOBODY = '@unavailable';

const known = new WeakMap<readonly Location[], Map<boolean, Choices>>();

/** The same object for the same list. */
export function choicesOf(locations: readonly Location[], isTrusting: boolean): Choices {
  const made = known.get(locations) ?? new Map<boolean, Choices>();
  known.set(locations, made);
  const choices = made.get(isTrusting) ?? makeChoices(locations, isTrusting);
  made.set(isTrusting, choices);
  return choices;
}

function makeChoices(locations: readonly Location[], isTrusting: boolean): Choices {
  if (locations.every(isAlone)) return NONE;
  const paths = [...Map.groupBy(locations, ({ path }) => path)].map(([path, own]) => ({ path, own }));
  const byPath = new Map<string, Choice>();
  const named = new Map<string, Alternative>();
  const add = (alternatives: readonly Alternative[]) => {
    for (const alternative of alternatives) named.set(alternative.name, alternative);
    return alternatives;
  };
  const targetAt = ({ path, own }: (typeof paths)[number]) =>
    byPath.get(path)?.target ?? add(alternativesOf(own))[0]!.name;
  /** Where requests go that no location of a path matches: to the next one that matches, such as a shorter path. */
  const after = (path: PathPattern): Next => {
    const others = paths.slice(paths.findIndex((other) => other.path === path) + 1);
    if (pathKind(path) === 'regex')
      return toNext(others.map((other) => ({ path: other.path, target: targetAt(other) })));
    const next = others.find((other) => matchesPath(patternText(path), other.path));
    return { target: next === undefined ? NOWHERE : targetAt(next), definitions: [] };
  };
  for (const { path, own } of paths.toReversed()) {
    if (own.every(isAlone)) continue;
    const groups = [...Map.groupBy(own, ({ match }) => matchKey(match)).values()];
    const targeted = groups.map((group) => {
      const { target, definitions } = splitOf(add(alternativesOf(group)), isTrusting);
      return { match: group[0]!.match, target: target ?? NOBODY, definitions };
    });
    byPath.set(
      path,
      toChoice(path, targeted, () => after(path)),
    );
  }
  const all = [...byPath.values()].flatMap((choice) => [choice, ...choice.definitions]);
  const leadsTo = (place: string) =>
    all.some((one) => [one.target, 'otherwise' in one && one.otherwise].includes(place));
  return { byPath, named: [...named.values()], leadsNowhere: leadsTo(NOWHERE), leadsToNobody: leadsTo(NOBODY) };
}

function isAlone({ match, weight }: Location): boolean {
  return match === undefined && weight === undefined;
}

interface Target {
  readonly match: Match | undefined;
  /** A location, or a variable with its name. */
  readonly target: string;
  readonly definitions: readonly Definition[];
}

type Next = Pick<Target, 'target' | 'definitions'>;

/** An expression does not decide which of the other paths match. */
function toNext(others: readonly { readonly path: PathPattern; readonly target: string }[]): Next {
  const [first, ...rest] = others;
  if (first === undefined) return { target: NOWHERE, definitions: [] };
  if (rest.length === 0 && first.path === '') return { target: first.target, definitions: [] };
  const cases = others
    .filter(({ path }) => path !== '')
    .map(({ path, target }) => ({ expression: `~${pathExpression(path)}`, target }));
  const otherwise = others.find(({ path }) => path === '')?.target ?? NOWHERE;
  const variable = `match_${digest(JSON.stringify([cases, otherwise]))}`;
  const definition = { key: variable, partial: 'define-next-path', bytes: 0, variable, cases, otherwise };
  return { target: `$${variable}`, definitions: [definition] };
}

function toChoice(path: PathPattern, targets: readonly Target[], after: () => Next): Choice {
  const matched = targets.flatMap(({ match, target }) => (match === undefined ? [] : [{ match, target }]));
  const rest = targets.find(({ match }) => match === undefined) ?? after();
  const otherwise = rest.target;
  const definitions = [...new Set([...targets, rest])].flatMap((target) => target.definitions);
  if (matched.length === 0) return { target: otherwise, definitions };
  const variable = `match_${digest(JSON.stringify([path, matched, otherwise]))}`;
  const steps = matched.map(({ match, target }, n) =>
    toStep(match, {
      target,
      variable: n === 0 ? variable : `${variable}_${n}`,
      otherwise: n === matched.length - 1 ? otherwise : `$${variable}_${n + 1}`,
    }),
  );
  return {
    target: `$${variable}`,
    definitions: [...steps, ...definitions, ...matched.flatMap(({ match }) => match.map(toCondition))],
  };
}

interface Step {
  readonly variable: string;
  readonly target: string;
  readonly otherwise: string;
}

/** One set of conditions, or else the next one. */
function toStep(match: Match, step: Step): Definition {
  return {
    ...step,
    key: step.variable,
    partial: 'define-match',
    bytes: 0,
    source: match.map((condition) => `$${conditionVariable(condition)}`).join(''),
    fulfilled: '1'.repeat(match.length),
  };
}
