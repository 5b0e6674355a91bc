import { Automaton, anyOf } from './automaton.ts';
import { HOST_GRAMMAR, lastVariable, type Piece, type Sequence, statesOf } from './expression.ts';

/** Larger expressions are not analyzed. */
const MOST_STATES = 160;

/**
 * Upper bound of the characters that a backtracking matcher compares for any name of up to that length. Infinity for an expression that is too large.
 * All possible next characters are explored, as if nothing ever matched: for each state, the maximum over all of them. Where two paths are in
 * different states at the same character, each may assume a different character, so the bound may be several times the actual cost. It is exact in
 * the decisive case: two repetitions that accept the same characters cost the square of the length.
 */
export function mostSteps(sequence: Sequence, longest: number, grammar = HOST_GRAMMAR): number {
  if (statesOf(sequence) > MOST_STATES) return Number.POSITIVE_INFINITY;
  // The literals at the end are one state: they are compared until one differs.
  const literals = sequence.length - 1 - lastVariable(sequence);
  const automaton = new Automaton(grammar);
  automaton.append(literals === 0 ? sequence : sequence.slice(0, 1 - literals || undefined));
  const { empty, last } = automaton;
  if (!matchesRest(sequence.at(-1)!)) return new StepCount(automaton, last, Math.max(1, literals)).of(longest);
  // Whatever precedes, the matcher succeeds at the first attempt.
  const loop = empty.findLastIndex((next) => next.includes(last));
  return new StepCount(automaton, loop, 0).of(longest) + longest + 2;
}

function matchesRest({ atom, most }: Piece): boolean {
  return atom === '.' && most === Number.POSITIVE_INFINITY;
}

interface Accepting {
  readonly to: number;
  /** Indexes of the character classes that lead there. */
  readonly classes: readonly number[];
}

/** For each state and each class of the next character, the number of comparisons that follow. */
class StepCount {
  readonly #empty: Automaton['empty'];
  readonly #accepting: readonly (readonly Accepting[])[];
  readonly #order: readonly number[];
  readonly #final: number;
  readonly #finalSteps: number;
  readonly #steps: readonly Float64Array[];

  constructor(automaton: Automaton, final: number, finalSteps: number) {
    const classes = classesOf(automaton);
    const indexesOf = (characters: bigint) => classes.flatMap((part, at) => ((part & characters) === 0n ? [] : [at]));
    this.#empty = automaton.empty;
    this.#accepting = automaton.steps.map((all) =>
      all.map(({ characters, to }) => ({ to, classes: indexesOf(characters) })),
    );
    this.#order = emptyStepsFirst(automaton);
    this.#final = final;
    this.#finalSteps = finalSteps;
    this.#steps = automaton.steps.map(() => new Float64Array(classes.length));
  }

  of(length: number): number {
    let most = this.#next(undefined);
    for (let left = 1; left <= length; left++) {
      const before = most;
      most = this.#next(before);
      // Without an unbounded repetition, more characters soon make no difference.
      if (most.every((steps, state) => steps === before[state])) break;
    }
    return most[0]!;
  }

  /** The maximum for each state, with one character more than in `behind`; without any character if that is undefined. */
  #next(behind: Float64Array | undefined): Float64Array {
    const most = new Float64Array(this.#steps.length);
    for (const state of this.#order) {
      if (state === this.#final) this.#steps[state]!.fill(this.#finalSteps);
      else this.#count(state, behind);
      most[state] = this.#steps[state]!.reduce((a, b) => Math.max(a, b), 0);
    }
    return most;
  }

  #count(state: number, behind: Float64Array | undefined): void {
    const steps = this.#steps[state]!;
    const accepting = this.#accepting[state]!;
    steps.fill(accepting.length);
    for (const next of this.#empty[state]!) add(steps, this.#steps[next]!);
    if (behind === undefined) return;
    for (const { to, classes } of accepting) for (const at of classes) steps[at]! += behind[to]!;
  }
}

function add(sum: Float64Array, more: Float64Array): void {
  for (let at = 0; at < sum.length; at++) sum[at]! += more[at]!;
}

/** One character for each set of characters that the expression treats alike. */
function classesOf({ steps, grammar }: Automaton): bigint[] {
  const sets = new Set(steps.flatMap((all) => all.map(({ characters }) => characters)));
  let classes = [anyOf(grammar)];
  for (const set of sets) classes = classes.flatMap((part) => [part & set, part & ~set]).filter((part) => part !== 0n);
  return classes;
}

/** All states, each after those to which an empty step leads. */
function emptyStepsFirst({ empty }: Automaton): number[] {
  const done = new Set<number>();
  const visit = (state: number) => {
    if (done.has(state)) return;
    for (const next of empty[state]!) visit(next);
    done.add(state);
  };
  for (const state of empty.keys()) visit(state);
  return [...done];
}
