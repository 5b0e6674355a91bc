import { memoize } from '../../lib/memo.ts';
import { parseExpression } from './expression.ts';
import { mostSteps } from './expression-cost.ts';

/** A name that a route answers to. Order of precedence: exact, then wildcard, then regular expression. */
export interface Host {
  readonly kind: 'exact' | 'wildcard' | 'regex';
  /** Lower case, ASCII, no trailing dot; `*.example.org` for a wildcard; the bare expression for a regex. */
  readonly name: string;
}

/** `*.example.org` for `a.example.org`. In certificates, a wildcard covers one label. */
export function wildcardAbove({ kind, name }: Host): string {
  return kind === 'exact' ? name.replace(/^[^.]*/, '*') : name;
}

const LABEL = /^[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?$/;
export const MAX_HOST_LENGTH = 253;
/** A name for nginx that matches names longer than any host. */
export const LONG_NAME = `~^.{${MAX_HOST_LENGTH + 1}}`;

/** Parses an entry of a host list. Returns the reason if it is invalid. */
export function parseHost(text: string): Host | string {
  const value = text.trim();
  if (value.startsWith('~')) return parseRegexHost(value.slice(1));
  if (value.startsWith('*.')) return parseWildcardHost(value.slice(2));
  const name = normalizeName(value);
  return name === undefined ? 'is not a host name' : { kind: 'exact', name };
}

function parseWildcardHost(parent: string): Host | string {
  const name = normalizeName(parent);
  if (name === undefined || !/[a-z]/.test(name) || name.startsWith('['))
    return 'is not a wildcard such as *.example.org';
  return { kind: 'wildcard', name: `*.${name}` };
}

/**
 * The WHATWG parser handles IDN and IP literals. User info, ports, paths and percent signs, which it accepts, are
 * rejected first by the set of allowed characters.
 */
function normalizeName(value: string): string | undefined {
  if (/[\s/?#@%\\:"'`$;{}|^<>()*~,]/.test(value.replace(/^\[[0-9a-fA-F:.]+\]$/, ''))) return undefined;
  const parsed = URL.parse(`http://${value}/`);
  if (!parsed) return undefined;
  const name = parsed.hostname.replace(/\.$/, '');
  if (name.startsWith('[')) return name;
  // The parser would also convert digits of other scripts into an address.
  if (!isAscii(value) && /^[\d.]+$/.test(name)) return undefined;
  // The parser would silently rewrite `127.1` and `0x7f.1` as addresses.
  if (isAscii(value) && name !== value.toLowerCase().replace(/\.$/, '')) return undefined;
  if (name.length === 0 || name.length > MAX_HOST_LENGTH) return undefined;
  return name.split('.').every((label) => LABEL.test(label)) ? name : undefined;
}

function isAscii(value: string): boolean {
  return /^[\x20-\x7e]*$/.test(value);
}

const MAX_REGEX_LENGTH = 128;
/** Maximum cost of an expression: 80 times the length of the longest name, or a third of its square. */
export const MOST_EXPRESSION_STEPS = 20_000;

/** Always matched against the whole name. */
function parseRegexHost(text: string): Host | string {
  const name = text.replace(/^\^/, '').replace(/\$$/, '');
  const sequence = text.length <= MAX_REGEX_LENGTH ? parseExpression(name) : undefined;
  if (sequence === undefined) return 'is not a safe regular expression';
  const host = { kind: 'regex', name } as const;
  return stepsOf(host) <= MOST_EXPRESSION_STEPS
    ? host
    : 'is a regular expression that can match the same name in too many ways';
}

/** Upper bound of the characters that nginx compares to match a name of any length. */
export const stepsOf = memoize(({ name }: Host): number => mostSteps(parseExpression(name) ?? [], MAX_HOST_LENGTH));

const PRECEDENCE = { exact: 0, wildcard: 1, regex: 2 } as const;

/** nginx uses the first regex that matches, so the order is defined here: the longer first. */
export function compareHosts(a: Host, b: Host): number {
  return (
    PRECEDENCE[a.kind] - PRECEDENCE[b.kind] ||
    (a.kind === 'regex' ? b.name.length - a.name.length : 0) ||
    (a.name < b.name ? -1 : a.name > b.name ? 1 : 0)
  );
}
