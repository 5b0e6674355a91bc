/**
 * Splits a list of hosts at its commas. Those inside a regular expression's quantifiers, groups and classes belong to the
 * expression.
 */
export function splitHosts(text: string): string[] {
  const entries: string[] = [];
  for (let start = 0; start <= text.length; ) {
    const end = endOfEntry(text, start);
    entries.push(text.slice(start, end));
    start = end + 1;
  }
  return entries.map((entry) => entry.trim()).filter((entry) => entry !== '');
}

/** An expression with unbalanced brackets ends at its first comma, so that it cannot swallow the entries after it. */
function endOfEntry(text: string, start: number): number {
  const plainEnd = indexOrEnd(text, text.indexOf(',', start));
  if (!/^\s*~/.test(text.slice(start, plainEnd))) return plainEnd;
  return endOfExpression(text, start) ?? plainEnd;
}

const CLOSING = { '(': ')', '[': ']', '{': '}' } as const;

/** The next comma outside all brackets; undefined if the brackets do not match. */
function endOfExpression(text: string, start: number): number | undefined {
  const open: string[] = [];
  for (let position = start; position < text.length; position++) {
    const character = text[position]!;
    const expected = open.at(-1);
    if (character === '\\') position++;
    else if (character === expected) open.pop();
    else if (expected === ']') continue;
    else if (isOpening(character)) open.push(CLOSING[character]);
    else if (character === ',' && expected === undefined) return position;
  }
  return open.length === 0 ? text.length : undefined;
}

function isOpening(character: string): character is keyof typeof CLOSING {
  return Object.hasOwn(CLOSING, character);
}

function indexOrEnd(text: string, index: number): number {
  return index === -1 ? text.length : index;
}
