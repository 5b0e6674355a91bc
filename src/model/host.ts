/** A name that a route answers to. Order of precedence: exact, then wildcard, then regular expression. */
export interface Host {
  readonly kind: 'exact' | 'wildcard' | 'regex';
  /** Lower case, ASCII, no trailing dot; `*.example.org` for a wildcard; the bare expression for a regex. */
  readonly name: string;
}

const LABEL = /^[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?$/;
const MAX_HOST_LENGTH = 253;

/** One entry of a host list, or what is wrong with it. */
export function parseHost(text: string): Host | string {
  const value = text.trim();
  if (value.startsWith('~')) return parseRegexHost(value.slice(1));
  if (value.startsWith('*.')) return parseWildcardHost(value.slice(2));
  const name = normaliseName(value);
  return name === undefined ? 'is not a host name' : { kind: 'exact', name };
}

function parseWildcardHost(parent: string): Host | string {
  const name = normaliseName(parent);
  if (name === undefined || !/[a-z]/.test(name) || name.startsWith('['))
    return 'is not a wildcard such as *.example.org';
  return { kind: 'wildcard', name: `*.${name}` };
}

/**
 * The WHATWG parser knows IDN and IP literals; what it lets through of user info, ports, paths and
 * percent signs is refused first, by alphabet.
 */
function normaliseName(value: string): string | undefined {
  if (/[\s/?#@%\\:"'`$;{}|^<>()*~,]/.test(value.replace(/^\[[0-9a-fA-F:.]+\]$/, ''))) return undefined;
  const parsed = URL.parse(`http://${value}/`);
  if (!parsed) return undefined;
  const name = parsed.hostname.replace(/\.$/, '');
  if (name.startsWith('[')) return name;
  // Digits of other scripts become an address as well.
  if (!isAscii(value) && /^[\d.]+$/.test(name)) return undefined;
  // `127.1` and `0x7f.1` are addresses to the parser and would be silently rewritten.
  if (isAscii(value) && name !== value.toLowerCase().replace(/\.$/, '')) return undefined;
  if (name.length === 0 || name.length > MAX_HOST_LENGTH) return undefined;
  return name.split('.').every((label) => LABEL.test(label)) ? name : undefined;
}

function isAscii(value: string): boolean {
  return /^[\x20-\x7e]*$/.test(value);
}

/**
 * Regular expressions that cannot run away: literals, `\.`, `\d`, `\w`, `.`, classes, and groups of literal alternatives
 * that are never repeated; few enough of what can match in several ways. Always matched against the whole name.
 */
const CLASS = String.raw`\[\^?[a-z0-9_-]+\]`;
const ATOM = String.raw`(?:[a-z0-9_-]|\\[.dw]|\.|${CLASS})(?:[+*?]|\{\d{1,2}(?:,\d{1,2})?\})?`;
const GROUP = String.raw`\((?:\?:)?[a-z0-9_-]+(?:\|[a-z0-9_-]+)*\)\??`;
const SAFE_REGEX = new RegExp(String.raw`^\^?(?:${ATOM}|${GROUP})+\$?$`);
const MAX_REGEX_LENGTH = 128;
/** Each multiplies the ways to match a name by its length. Measured: three take nginx 150 ms for one request, two take 2 ms. */
const MAX_REPETITIONS = 2;
const MAX_CHOICES = 16;

function parseRegexHost(text: string): Host | string {
  const name = text.replace(/^\^/, '').replace(/\$$/, '');
  const safe = text.length <= MAX_REGEX_LENGTH && SAFE_REGEX.test(text) && isBounded(name);
  if (!safe || !compiles(name)) return 'is not a safe regular expression';
  return { kind: 'regex', name };
}

function isBounded(expression: string): boolean {
  const plain = expression.replaceAll('(?:', '(');
  const repetitions = plain.match(/[+*]|\{\d+,/g)?.length ?? 0;
  const optional = plain.match(/\?/g)?.length ?? 0;
  const groups = [...plain.matchAll(/\(([^)]*)\)/g)].map(([, alternatives = '']) =>
    waysToMatch(alternatives.split('|')),
  );
  return repetitions <= MAX_REPETITIONS && groups.reduce((a, b) => a * b, 2 ** optional) <= MAX_CHOICES;
}

/** How many of the alternatives can match in one place: equal ones, and those that another one begins with. */
function waysToMatch(alternatives: readonly string[]): number {
  return Math.max(...alternatives.map((text) => alternatives.filter((other) => text.startsWith(other)).length));
}

function compiles(expression: string): boolean {
  try {
    new RegExp(expression);
    return true;
  } catch {
    return false;
  }
}

const PRECEDENCE = { exact: 0, wildcard: 1, regex: 2 } as const;

/** nginx takes the first regex that matches, so their order is decided here: the longer first. */
export function compareHosts(a: Host, b: Host): number {
  return (
    PRECEDENCE[a.kind] - PRECEDENCE[b.kind] ||
    (a.kind === 'regex' ? b.name.length - a.name.length : 0) ||
    (a.name < b.name ? -1 : a.name > b.name ? 1 : 0)
  );
}
