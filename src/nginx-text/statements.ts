/** Text that nginx would reject, or would read differently than this parser. */
export class NginxTextError extends Error {
  override readonly name = 'NginxTextError';
}

/** A directive, or an entry of a block such as `map`: its words, without quotes and escapes. */
export interface Statement {
  readonly words: readonly string[];
  /** Whether it opens a block. */
  readonly opens: boolean;
}

export interface Visitor {
  /** May return an expression for the text after it that can be skipped. */
  statement(statement: Statement): RegExp | undefined;
  /** Called at the end of a block. */
  close(): void;
  /** Called for each comment, without `#` and the spaces around it. */
  comment?(text: string): void;
}

// No expression can match in two ways, so hostile text takes no longer to read than other text. Most statements have no escapes and are read in one
// step. nginx has four whitespace characters, JavaScript's \s has many more.
const PLAIN_WORD = String.raw`(?:"[^"\\]*"(?=[ \t\r\n;{])|(?:[^ \t\r\n;{}"'\\$#]|\$(?!\{))[^ \t\r\n;{}\\$#]*(?:\$(?!\{)[^ \t\r\n;{}\\$#]*)*)`;
const PLAIN = new RegExp(String.raw`[ \t\r\n]*(${PLAIN_WORD}(?:[ \t\r\n]+${PLAIN_WORD})*)[ \t\r\n]*([;{])`, 'y');
const PLAIN_WORDS = /"([^"]*)"|[^ \t\r\n]+/g;
const SPACES = /[ \t\r\n]+/;
const BETWEEN = /[ \t\r\n]*(?:#[^\n]*[ \t\r\n]*)*/y;
/** `${` does not end a word. */
const BARE = /[^ \t\r\n;{\\$]*(?:(?:\\[\s\S]|\$\{*)[^ \t\r\n;{\\$]*)*/y;
const QUOTED: Readonly<Record<string, RegExp>> = {
  '"': /"([^"\\]*(?:\\[\s\S][^"\\]*)*)"/y,
  "'": /'([^'\\]*(?:\\[\s\S][^'\\]*)*)'/y,
};
/** Ends of statements, and of the text. */
const ENDS = [';', '{', '}', ''];
const WORD_ENDS = /[ \t\r\n;{]/;
/** What may follow a quoted word; a parenthesis begins the next word. */
const QUOTE_ENDS = /[ \t\r\n;{)]/;

/** Reads text like `ngx_conf_read_token`. Throws if nginx would reject it. */
export function readStatements(text: string, visitor: Visitor): void {
  // C functions treat a zero byte as the end of a word.
  if (text.includes('\0')) throw new NginxTextError('contains a zero byte');
  const reader = new Reader(text, visitor.comment);
  for (;;) {
    const { words, end } = reader.plain() ?? reader.any();
    if (end === '') return;
    if (end === '}') visitor.close();
    else reader.skip(visitor.statement({ words, opens: end === '{' }));
  }
}

interface Read {
  readonly words: readonly string[];
  /** `;`, `{`, or `}` without words; '' at the end of the text. */
  readonly end: string;
}

class Reader {
  readonly #text: string;
  readonly #onComment: ((text: string) => void) | undefined;
  #offset = 0;

  constructor(text: string, onComment?: (text: string) => void) {
    this.#text = text;
    this.#onComment = onComment;
  }

  /** Reads a statement without escapes and comments; undefined otherwise. */
  plain(): Read | undefined {
    PLAIN.lastIndex = this.#offset;
    const [whole, written = '', end = ''] = PLAIN.exec(this.#text) ?? [];
    if (whole === undefined) return undefined;
    this.#offset += whole.length;
    if (!written.includes('"')) return { words: written.split(SPACES), end };
    return { words: [...written.matchAll(PLAIN_WORDS)].map(([word, quoted]) => quoted ?? word), end };
  }

  any(): Read {
    const words: string[] = [];
    for (;;) {
      this.#comments(this.#take(BETWEEN)[0]);
      const end = this.#text[this.#offset] ?? '';
      if (!ENDS.includes(end)) {
        words.push(this.#word());
        continue;
      }
      this.#offset += 1;
      if ((end === '}' || end === '') !== (words.length === 0)) throw new NginxTextError('is not complete');
      return { words, end };
    }
  }

  skip(expression: RegExp | undefined): void {
    if (expression === undefined) return;
    expression.lastIndex = this.#offset;
    while (expression.test(this.#text)) this.#offset = expression.lastIndex;
  }

  #comments(between: string): void {
    if (this.#onComment === undefined || !between.includes('#')) return;
    for (const line of between.split('\n')) {
      const start = line.indexOf('#');
      if (start >= 0) this.#onComment(line.slice(start + 1).trim());
    }
  }

  #word(): string {
    const quoted = QUOTED[this.#text[this.#offset]!];
    const match = this.#take(quoted ?? BARE);
    const next = this.#text[this.#offset] ?? '';
    if (!(quoted ? QUOTE_ENDS : WORD_ENDS).test(next)) throw new NginxTextError('has a word without an end');
    return resolveEscapes(match[1] ?? match[0]);
  }

  #take(pattern: RegExp): RegExpExecArray {
    pattern.lastIndex = this.#offset;
    const match = pattern.exec(this.#text);
    if (match === null) throw new NginxTextError('ends inside a quoted word');
    this.#offset += match[0].length;
    return match;
  }
}

const ESCAPED: Readonly<Record<string, string>> = { t: '\t', r: '\r', n: '\n' };

/** Other escapes are kept for regular expressions. */
function resolveEscapes(word: string): string {
  if (!word.includes('\\')) return word;
  return word.replaceAll(/\\(["'\\trn])/g, (_, character: string) => ESCAPED[character] ?? character);
}
