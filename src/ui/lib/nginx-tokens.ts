export interface Token {
  readonly kind: 'directive' | 'string' | 'variable' | 'number' | 'comment' | 'brace' | 'plain';
  readonly text: string;
}

const PATTERN =
  /(?<comment>#.*)|(?<string>"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')|(?<variable>\$\{\w+\}|\$\w+)|(?<brace>[{};])|(?<number>\b\d+(?:\.\d+)*(?:ms|[smhdkKMGg])?\b(?![\w.-]))|(?<word>[^\s{};"'$#]+)|(?<space>\s+)|(?<other>.)/gu;

/** The lines of an nginx configuration in tokens, for coloring. Any text will do: what is not understood is plain. */
export function tokenize(text: string): Token[][] {
  let isStart = true;
  return text.split('\n').map((line) => {
    const tokens: Token[] = [];
    for (const { 0: piece, groups = {} } of line.matchAll(PATTERN)) {
      const kind = kindOf(groups, isStart);
      if (kind === 'brace') isStart = true;
      else if (kind !== 'comment' && groups.space === undefined) isStart = false;
      append(tokens, { kind, text: piece });
    }
    return tokens;
  });
}

function kindOf(groups: Readonly<Record<string, string | undefined>>, isStart: boolean): Token['kind'] {
  if (groups.word !== undefined) return isStart ? 'directive' : 'plain';
  for (const kind of ['comment', 'string', 'variable', 'brace', 'number'] as const) {
    if (groups[kind] !== undefined) return kind;
  }
  return 'plain';
}

/** Neighbors of one kind are one token: fewer elements on the page. */
function append(tokens: Token[], token: Token): void {
  const last = tokens.at(-1);
  if (last?.kind === 'plain' && token.kind === 'plain')
    tokens[tokens.length - 1] = { kind: 'plain', text: last.text + token.text };
  else tokens.push(token);
}
