import { type Grammar, HOST_GRAMMAR, type Piece, type Sequence } from './expression.ts';

/** Every character of host names. */
export const ANY = anyOf(HOST_GRAMMAR);

/** Every character, one bit for each. */
export function anyOf({ alphabet }: Grammar): bigint {
  return (1n << BigInt(alphabet.length)) - 1n;
}

const known = new Map<string, bigint>();

/** The characters that an atom matches, one bit for each. */
export function charactersOf(atom: string, { alphabet }: Grammar = HOST_GRAMMAR): bigint {
  const key = `${alphabet.length} ${atom}`;
  const found = known.get(key);
  if (found !== undefined) return found;
  const expression = new RegExp(`^${atom}$`);
  const bits = [...alphabet].reduce(
    (sum, letter, at) => (expression.test(letter) ? sum | (1n << BigInt(at)) : sum),
    0n,
  );
  // Not cached for classes: users may write any number of them.
  if (atom.length <= 2) known.set(key, bits);
  return bits;
}

interface Step {
  readonly characters: bigint;
  readonly to: number;
}

/**
 * A nondeterministic automaton. It begins in state 0 and ends in the last state. No state leads back to itself by empty
 * steps only.
 */
export class Automaton {
  readonly empty: number[][] = [[]];
  readonly steps: Step[][] = [[]];
  readonly grammar: Grammar;

  constructor(grammar = HOST_GRAMMAR) {
    this.grammar = grammar;
  }

  get last(): number {
    return this.steps.length - 1;
  }

  append(sequence: Sequence): void {
    for (const piece of sequence) this.#piece(piece);
  }

  /** Repeats the states that `once` appends after the last state. */
  repeat({ least, most }: Pick<Piece, 'least' | 'most'>, once: () => void): void {
    for (let times = 0; times < least; times++) once();
    if (most === Number.POSITIVE_INFINITY) {
      const start = this.last;
      once();
      this.empty[this.last]!.push(start);
      const end = this.#add();
      this.empty[start]!.push(end);
      return;
    }
    const skipped: number[] = [];
    for (let times = least; times < most; times++) {
      skipped.push(this.last);
      once();
    }
    for (const state of skipped) this.empty[state]!.push(this.last);
  }

  character(characters: bigint): void {
    const from = this.last;
    this.steps[from]!.push({ characters, to: this.#add() });
  }

  #piece({ atom, least, most }: Piece): void {
    const characters = typeof atom === 'string' ? charactersOf(atom, this.grammar) : 0n;
    this.repeat({ least, most }, () => {
      if (typeof atom === 'string') this.character(characters);
      else this.#alternatives(atom);
    });
  }

  #alternatives(alternatives: readonly Sequence[]): void {
    const start = this.last;
    const ends = alternatives.map((sequence) => {
      this.empty[start]!.push(this.#add());
      this.append(sequence);
      return this.last;
    });
    const end = this.#add();
    for (const state of ends) this.empty[state]!.push(end);
  }

  #add(): number {
    this.empty.push([]);
    this.steps.push([]);
    return this.last;
  }
}
