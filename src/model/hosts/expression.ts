/** A regular expression of the subset allowed in labels: sequences, groups of alternatives, and repetitions. */
export type Sequence = readonly Piece[];

export interface Piece {
  /** One character: a literal, an escape, a dot or a class, as written; or the alternatives of a group. */
  readonly atom: string | readonly Sequence[];
  readonly least: number;
  /** Infinity if unbounded. */
  readonly most: number;
}

/** What an expression may consist of, and the characters that texts contain. */
export interface Grammar {
  readonly character: RegExp;
  readonly class: RegExp;
  /** One character for every other one is at the end. */
  readonly alphabet: string;
}

/** Literals are lower case: nginx compares host names in lower case. */
export const HOST_GRAMMAR: Grammar = {
  character: /^(?:[a-z0-9_-]|\\[.\-dw]|\.)/,
  class: /^\[\^?(?:[a-z0-9_.]-[a-z0-9_]|[a-z0-9_.]|\\[.\-dw]|-)+\]/,
  // Host names and addresses.
  alphabet: 'abcdefghijklmnopqrstuvwxyz0123456789-_.[]:!',
};

/** nginx compares decoded paths, byte by byte. */
export const PATH_GRAMMAR: Grammar = {
  character: /^(?:[A-Za-z0-9_/~@:=-]|\\[.+\-dw]|\.)/,
  class: /^\[\^?(?:[A-Za-z0-9_.]-[A-Za-z0-9_]|[A-Za-z0-9_./~@:=+]|\\[.+\-dw]|-)+\]/,
  alphabet: 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_./~@:=+!',
};
const QUANTIFIER = /^(?:[+*?]|\{\d{1,2}(?:,\d{0,2})?\})/;
const MAX_DEPTH = 8;

/** Undefined if the text is outside the subset, which excludes look-around, references, inner anchors, and alternatives outside groups. */
export function parseExpression(text: string, grammar = HOST_GRAMMAR): Sequence | undefined {
  const parser = new Parser(text, grammar);
  const sequence = parser.sequence(0);
  return sequence !== undefined && parser.isAtEnd && compiles(text) ? sequence : undefined;
}

class Parser {
  #rest: string;
  readonly #grammar: Grammar;

  constructor(text: string, grammar: Grammar) {
    this.#rest = text;
    this.#grammar = grammar;
  }

  get isAtEnd(): boolean {
    return this.#rest === '';
  }

  sequence(depth: number): Sequence | undefined {
    const pieces: Piece[] = [];
    while (!this.isAtEnd && !/^[|)]/.test(this.#rest)) {
      const atom = this.#take(this.#grammar.character) ?? this.#take(this.#grammar.class) ?? this.#group(depth);
      if (atom === undefined) return undefined;
      const repetition = repetitionOf(this.#take(QUANTIFIER));
      if (repetition.most === Number.POSITIVE_INFINITY && canBeEmpty(atom)) return undefined;
      pieces.push({ atom, ...repetition });
    }
    return pieces.length === 0 ? undefined : pieces;
  }

  #group(depth: number): readonly Sequence[] | undefined {
    if (depth === MAX_DEPTH || this.#take(/^\((?:\?:)?/) === undefined) return undefined;
    const alternatives: Sequence[] = [];
    do {
      const alternative = this.sequence(depth + 1);
      if (alternative === undefined) return undefined;
      alternatives.push(alternative);
    } while (this.#take(/^\|/) !== undefined);
    return this.#take(/^\)/) === undefined ? undefined : alternatives;
  }

  #take(token: RegExp): string | undefined {
    const found = token.exec(this.#rest)?.[0];
    this.#rest = this.#rest.slice(found?.length ?? 0);
    return found;
  }
}

function repetitionOf(quantifier: string | undefined): Pick<Piece, 'least' | 'most'> {
  if (quantifier === undefined) return { least: 1, most: 1 };
  if (quantifier === '?') return { least: 0, most: 1 };
  if (quantifier === '*') return { least: 0, most: Number.POSITIVE_INFINITY };
  if (quantifier === '+') return { least: 1, most: Number.POSITIVE_INFINITY };
  const [, least = '0', comma, most = ''] = /^\{(\d+)(,?)(\d*)\}$/.exec(quantifier) ?? [];
  if (comma === '') return { least: Number(least), most: Number(least) };
  return { least: Number(least), most: most === '' ? Number.POSITIVE_INFINITY : Number(most) };
}

function canBeEmpty(atom: Piece['atom']): boolean {
  if (typeof atom === 'string') return false;
  return atom.some((sequence) => sequence.every((piece) => piece.least === 0 || canBeEmpty(piece.atom)));
}

/** Checks the remaining rules, such as the order of a range. */
function compiles(text: string): boolean {
  try {
    new RegExp(text);
    return true;
  } catch {
    return false;
  }
}

/** Number of states of its automaton. */
export function statesOf(sequence: Sequence): number {
  return sequence.reduce((sum, piece) => sum + repeatedStates(piece), 1);
}

function repeatedStates({ atom, least, most }: Piece): number {
  const once = typeof atom === 'string' ? 1 : atom.reduce((sum, sequence) => sum + statesOf(sequence), 1);
  return Number.isFinite(most) ? once * most : once * (least + 1) + 1;
}

/** The literal characters at the end of every match. */
export function literalEnd(sequence: Sequence): string {
  return sequence
    .slice(lastVariable(sequence) + 1)
    .map(({ atom }) => String(atom).replace('\\', ''))
    .join('');
}

/** Position of the last piece that is not one literal character; -1 if there is none. */
export function lastVariable(sequence: Sequence): number {
  return sequence.findLastIndex(
    ({ atom, least, most }) => typeof atom !== 'string' || !isLiteral(atom) || least !== 1 || most !== 1,
  );
}

function isLiteral(atom: string): boolean {
  return /^(?:[a-z0-9_-]|\\[.-])$/.test(atom);
}
