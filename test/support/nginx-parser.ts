/** A directive of a configuration. `block` is set if it opens one. */
export interface Directive {
  readonly name: string;
  readonly args: readonly string[];
  readonly block?: readonly Directive[];
}

type Token = { readonly word: string } | ';' | '{' | '}';

/**
 * Reads text as `ngx_conf_read_token` does: words, quotes, escapes, comments and blocks. Throws if nginx would reject
 * it.
 */
export function parseNginx(text: string): readonly Directive[] {
  const tokens = tokenize(text);
  const directives = readBlock(tokens, false);
  if (!tokens.next().done) throw new Error('There is text behind the end');
  return directives;
}

function readBlock(tokens: Iterator<Token>, inner: boolean): readonly Directive[] {
  const directives: Directive[] = [];
  for (;;) {
    const { value: token, done } = tokens.next();
    if (done || token === '}') {
      if (inner === (token === '}')) return directives;
      throw new Error(inner ? 'A block is not closed' : 'A block is closed that is not open');
    }
    if (typeof token === 'string') throw new Error(`Unexpected ${token}`);
    directives.push(readDirective(token.word, tokens));
  }
}

function readDirective(name: string, tokens: Iterator<Token>): Directive {
  const args: string[] = [];
  for (;;) {
    const { value: token, done } = tokens.next();
    if (done || token === '}') throw new Error(`A directive is not ended: ${name}`);
    if (token === ';') return { name, args };
    if (token === '{') return { name, args, block: readBlock(tokens, true) };
    args.push(token.word);
  }
}

const BETWEEN = /(?:\s|#[^\n]*(?:\n|$))*/y;
/** A word without quotes ends at a space, a semicolon or a brace. Braces after `$` do not end it. */
const BARE = /(?:\\.|\$\{*|[^\s;{\\$])+/sy;
const QUOTED: Readonly<Record<string, RegExp>> = {
  '"': /"((?:\\.|[^"\\])*)"(?=[\s;{)]|$)/sy,
  "'": /'((?:\\.|[^'\\])*)'(?=[\s;{)]|$)/sy,
};

function* tokenize(text: string): Generator<Token, undefined> {
  let offset = 0;
  const take = (pattern: RegExp): RegExpExecArray => {
    pattern.lastIndex = offset;
    const match = pattern.exec(text);
    if (!match) throw new Error(`A word does not end: ${text.slice(offset, offset + 40)}`);
    offset += match[0].length;
    return match;
  };
  for (;;) {
    take(BETWEEN);
    const next = text[offset];
    if (next === undefined) return;
    if (next === ';' || next === '{' || next === '}') {
      offset += 1;
      yield next;
    } else {
      const [bare, quoted] = take(QUOTED[next] ?? BARE);
      yield { word: resolveEscapes(quoted ?? bare) };
    }
  }
}

const ESCAPED: Readonly<Record<string, string>> = { t: '\t', r: '\r', n: '\n', '"': '"', "'": "'", '\\': '\\' };

/** Other escapes stay unchanged: regular expressions need them. */
function resolveEscapes(text: string): string {
  return text.replaceAll(/\\(.)/gs, (whole, character: string) => ESCAPED[character] ?? whole);
}

/** All directives with a name, at any depth. */
export function* findAll(directives: readonly Directive[], name: string): Generator<Directive> {
  for (const directive of directives) {
    if (directive.name === name) yield directive;
    yield* findAll(directive.block ?? [], name);
  }
}
