import { PATH_GRAMMAR, parseExpression } from './hosts/expression.ts';
import { mostSteps } from './hosts/expression-cost.ts';
import { isBelow, isCanonicalPath, parseExactPath, parsePath } from './path.ts';
import { compareText } from './route.ts';

/**
 * The paths that a route serves, in one text: `/app` is a prefix of complete segments ('' the whole host), `=/app` exactly
 * this path, and `~/v\d+` a regular expression for the whole path. Paths are decoded and normalized.
 */
export type PathPattern = string;

export type PathKind = 'exact' | 'regex' | 'prefix';

export function pathKind(pattern: PathPattern): PathKind {
  if (pattern.startsWith('=')) return 'exact';
  return pattern.startsWith('~') ? 'regex' : 'prefix';
}

/** The path or expression without the mark of its kind. */
export function patternText(pattern: PathPattern): string {
  return pathKind(pattern) === 'prefix' ? pattern : pattern.slice(1);
}

const MOST_EXPRESSION_LENGTH = 128;
/** A path can be much longer, so the cost must not grow faster than its length. */
const LONGEST_COUNTED = 1024;
const MOST_STEPS = 80 * LONGEST_COUNTED;

/** A pattern in normalized form, or the reason why the text is invalid. */
export type ParsedPattern = { readonly pattern: PathPattern } | { readonly reason: string };

export function parsePattern(text: string): ParsedPattern {
  if (text.startsWith('~')) return parseRegex(text.slice(1));
  if (!text.startsWith('=')) {
    const parsed = parsePath(text);
    return 'path' in parsed ? { pattern: parsed.path } : parsed;
  }
  const parsed = parseExactPath(text.slice(1).trim());
  return 'path' in parsed ? { pattern: `=${parsed.path}` } : parsed;
}

/** Always matched against the whole path. */
function parseRegex(text: string): ParsedPattern {
  const expression = text.trim().replace(/^\^/, '').replace(/\$$/, '');
  const sequence = expression.length <= MOST_EXPRESSION_LENGTH ? parseExpression(expression, PATH_GRAMMAR) : undefined;
  if (sequence === undefined) return { reason: 'is not a safe regular expression' };
  const steps = mostSteps(sequence, LONGEST_COUNTED, PATH_GRAMMAR);
  const isLinear = steps <= MOST_STEPS && mostSteps(sequence, 2 * LONGEST_COUNTED, PATH_GRAMMAR) <= 2.05 * steps;
  if (!isLinear) return { reason: 'is a regular expression that can match the same path in too many ways' };
  return { pattern: `~${expression}` };
}

/** Upper bound of the characters that nginx compares for a path of usual length; 0 without an expression. */
export function pathSteps(pattern: PathPattern): number {
  if (pathKind(pattern) !== 'regex') return 0;
  return mostSteps(parseExpression(patternText(pattern), PATH_GRAMMAR) ?? [], LONGEST_COUNTED / 8, PATH_GRAMMAR);
}

/** Whether a text is a pattern in normalized form. */
export function isPathPattern(pattern: string): boolean {
  const text = patternText(pattern);
  if (pathKind(pattern) === 'prefix') return isCanonicalPath(text);
  if (pathKind(pattern) === 'exact') return text.startsWith('/') && isCanonicalPath(text.replace(/\/$/, ''));
  const parsed = parseRegex(text);
  return 'pattern' in parsed && parsed.pattern === pattern;
}

/** Whether a route serves a path. */
export function matchesPath(path: string, pattern: PathPattern): boolean {
  const text = patternText(pattern);
  const kind = pathKind(pattern);
  if (kind === 'prefix') return isBelow(path, text);
  return kind === 'exact' ? path === text || (path === '' && text === '/') : expressionOf(text).test(bytesOf(path));
}

const known = new Map<string, RegExp>();
const MOST_KNOWN = 1000;

function expressionOf(text: string): RegExp {
  const found = known.get(text) ?? new RegExp(`^(?:${text})$`, 's');
  if (known.size >= MOST_KNOWN) known.clear();
  known.set(text, found);
  return found;
}

/** nginx compares bytes: a character for each. */
function bytesOf(path: string): string {
  return Buffer.from(path || '/').toString('latin1');
}

/**
 * Exact paths, then expressions, then prefixes, each the longest first: the Gateway API has exact paths before longer
 * prefixes, and leaves expressions to the implementation.
 */
export function comparePatterns(a: PathPattern, b: PathPattern): number {
  return PRECEDENCE[pathKind(a)] - PRECEDENCE[pathKind(b)] || b.length - a.length || compareText(a, b);
}

const PRECEDENCE: Readonly<Record<PathKind, number>> = { exact: 0, regex: 1, prefix: 2 };
