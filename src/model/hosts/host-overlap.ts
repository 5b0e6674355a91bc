import { memoize } from '../../lib/memo.ts';
import { ANY, Automaton, charactersOf } from './automaton.ts';
import { literalEnd, parseExpression, statesOf } from './expression.ts';
import type { Host } from './host.ts';

/** Whether the pattern matches every name that the host matches. Never true by mistake; false for regular expressions unless it is obvious. */
export function covers(pattern: Host, host: Host): boolean {
  if (pattern.kind === 'wildcard') return fixedEnd(host).endsWith(pattern.name.slice(1));
  if (pattern.kind === 'regex' && host.kind === 'exact') return expressionOf(pattern).test(host.name);
  return pattern.kind === host.kind && pattern.name === host.name;
}

/** Whether a name can match both. Never false by mistake. */
export function overlap(a: Host, b: Host): boolean {
  if (a.kind === 'exact' || b.kind === 'exact' || (a.kind === 'wildcard' && b.kind === 'wildcard'))
    return covers(a, b) || covers(b, a);
  if (a.name === b.name) return true;
  const [endOfA, endOfB] = [fixedEnd(a), fixedEnd(b)];
  if (!endOfA.endsWith(endOfB) && !endOfB.endsWith(endOfA)) return false;
  const [ofA, ofB] = [automatonOf(a), automatonOf(b)];
  return ofA === undefined || ofB === undefined || haveCommonWord(ofA, ofB);
}

/** Parent domains, the nearest first: of `a.b.c`, `b.c` and `c`. */
export function parentsOf(name: string): string[] {
  const parents: string[] = [];
  for (let dot = name.indexOf('.'); dot >= 0; dot = name.indexOf('.', dot + 1)) parents.push(name.slice(dot + 1));
  return parents;
}

/** The literal characters at the end of all matching names. */
export function fixedEnd(host: Host): string {
  if (host.kind === 'regex') return fixedEndOfRegex(host);
  return host.kind === 'wildcard' ? host.name.slice(1) : host.name;
}

const fixedEndOfRegex = memoize(({ name }: Host): string => literalEnd(parseExpression(name) ?? []));

const expressionOf = memoize(({ name }: Host) => new RegExp(`^(?:${name})$`));

/** Undefined for an expression with large repetitions. */
const automatonOf = memoize(({ kind, name }: Host): Automaton | undefined => {
  const automaton = new Automaton();
  if (kind === 'wildcard') {
    automaton.repeat({ least: 1, most: Number.POSITIVE_INFINITY }, () => automaton.character(ANY));
    for (const letter of name.slice(1)) automaton.character(charactersOf(letter === '.' ? '\\.' : letter));
    return automaton;
  }
  const sequence = parseExpression(name);
  if (sequence === undefined || statesOf(sequence) > MOST_STATES) return undefined;
  automaton.append(sequence);
  return automaton;
});

/** Beyond these limits, the result is true: an expression must not take too much of the controller's time. */
const MOST_STATES = 256;
const MOST_PAIRS = 1000;

function haveCommonWord(a: Automaton, b: Automaton): boolean {
  const width = b.last + 1;
  const goal = a.last * width + b.last;
  const seen = new Set([0]);
  for (const pair of seen) {
    if (pair === goal || seen.size > MOST_PAIRS) return true;
    for (const next of pairsAfter(a, Math.floor(pair / width), b, pair % width)) seen.add(next[0] * width + next[1]);
  }
  return false;
}

function pairsAfter(a: Automaton, ofA: number, b: Automaton, ofB: number): (readonly [number, number])[] {
  const both = a.steps[ofA]!.flatMap((stepA) =>
    b.steps[ofB]!.filter((stepB) => (stepA.characters & stepB.characters) !== 0n).map(
      (stepB) => [stepA.to, stepB.to] as const,
    ),
  );
  const alone = a.empty[ofA]!.map((next) => [next, ofB] as const);
  return [...both, ...alone, ...b.empty[ofB]!.map((next) => [ofA, next] as const)];
}
