/** A call such as ``Host(`a.example.org`)``. */
export interface Matcher {
  readonly name: string;
  readonly args: readonly string[];
  readonly isNegated: boolean;
}

/** All of them must match. */
export type Conjunction = readonly Matcher[];

const MOST_CONJUNCTIONS = 64;

export class RuleError extends Error {
  override readonly name = 'RuleError';
}

/** Reads a rule of Traefik 2 or 3 as alternatives, each of which is a list of matchers without `||` and brackets. */
export function parseRule(rule: string): readonly Conjunction[] {
  const reader = new RuleReader(rule);
  const alternatives = reader.either();
  if (!reader.isAtEnd) throw new RuleError('is not a rule of Traefik 2 or 3');
  return alternatives;
}

const TOKEN = /\s*(&&|\|\||!|\(|\)|,|[A-Za-z]+|`[^`]*`|"(?:[^"\\]|\\.)*")/y;

class RuleReader {
  readonly #tokens: readonly string[];
  #next = 0;

  constructor(rule: string) {
    const tokens: string[] = [];
    TOKEN.lastIndex = 0;
    for (let end = 0; rule.slice(end).trim() !== ''; end = TOKEN.lastIndex) {
      const token = TOKEN.exec(rule)?.[1];
      if (token === undefined) throw new RuleError('is not a rule of Traefik 2 or 3');
      tokens.push(token);
    }
    this.#tokens = tokens;
  }

  get isAtEnd(): boolean {
    return this.#next === this.#tokens.length;
  }

  either(): readonly Conjunction[] {
    let found = this.#all();
    while (this.#take('||')) found = limited([...found, ...this.#all()]);
    return found;
  }

  #all(): readonly Conjunction[] {
    let found = this.#one();
    while (this.#take('&&')) {
      const right = this.#one();
      found = limited(found.flatMap((left) => right.map((each) => [...left, ...each])));
    }
    return found;
  }

  #one(): readonly Conjunction[] {
    if (this.#take('!')) return negated(this.#one());
    if (!this.#take('(')) return [[this.#matcher()]];
    const inner = this.either();
    this.#expect(')');
    return inner;
  }

  #matcher(): Matcher {
    const name = this.#tokens[this.#next++] ?? '';
    if (!/^[A-Za-z]+$/.test(name)) throw new RuleError('is not a rule of Traefik 2 or 3');
    this.#expect('(');
    const args: string[] = [];
    do args.push(this.#text());
    while (this.#take(','));
    this.#expect(')');
    return { name, args, isNegated: false };
  }

  #text(): string {
    const token = this.#tokens[this.#next++] ?? '';
    if (token.startsWith('`')) return token.slice(1, -1);
    if (token.startsWith('"')) return JSON.parse(token) as string;
    throw new RuleError('is not a rule of Traefik 2 or 3');
  }

  #take(token: string): boolean {
    if (this.#tokens[this.#next] !== token) return false;
    this.#next += 1;
    return true;
  }

  #expect(token: string): void {
    if (!this.#take(token)) throw new RuleError('is not a rule of Traefik 2 or 3');
  }
}

/** None of the alternatives matches: one matcher of each does not. */
function negated(alternatives: readonly Conjunction[]): readonly Conjunction[] {
  return alternatives.reduce<readonly Conjunction[]>(
    (found, conjunction) =>
      limited(
        found.flatMap((left) => conjunction.map((matcher) => [...left, { ...matcher, isNegated: !matcher.isNegated }])),
      ),
    [[]],
  );
}

function limited(alternatives: readonly Conjunction[]): readonly Conjunction[] {
  if (alternatives.length > MOST_CONJUNCTIONS) throw new RuleError('has too many alternatives');
  return alternatives;
}
