import { PATH_GRAMMAR, parseExpression } from '../model/hosts/expression.ts';
import { isCanonicalPath } from '../model/path.ts';
import { pathKind, patternText } from '../model/path-pattern.ts';
import { pathExpression } from './expressions.ts';

/**
 * The only place where values become nginx configuration text. nginx has no escape for `$`, so values with `$` or non-printable or non-ASCII
 * characters are rejected. Validation should have rejected them earlier.
 */
export function quote(value: unknown): string {
  if (value === undefined) throw new Error('A template quotes a missing field');
  const text = String(value);
  if (!/^[\x20-\x7e]*$/.test(text) || text.includes('$')) {
    throw new Error(`Value is not allowed in an nginx configuration: ${JSON.stringify(text.slice(0, 80))}`);
  }
  return `"${text.replaceAll(/["\\]/g, String.raw`\$&`)}"`;
}

/** Text with `$`, which the variable `$dollar` contributes. */
export function quoteText(value: unknown): string {
  const parts = String(value).split('$').map(quotePart);
  // biome-ignore lint/suspicious/noTemplateCurlyInString: nginx's own notation.
  return `"${parts.join('${dollar}')}"`;
}

/** Text inside a quoted word. */
export function quotePart(value: unknown): string {
  return quote(value).slice(1, -1);
}

/** A decoded path as the prefix of a location, where nginx treats `$` literally and compares bytes. */
export function quotePath(value: unknown): string {
  const text = String(value);
  if (!isCanonicalPath(text.replace(/\/$/, ''))) throw new Error('Path is not allowed in an nginx configuration');
  return `"${text.replaceAll(/["\\]/g, String.raw`\$&`)}"`;
}

/** A pattern of decoded paths as the expression of a location. */
export function quotePathExpression(value: unknown): string {
  const pattern = String(value);
  const isSafe = pathKind(pattern) !== 'regex' || parseExpression(patternText(pattern), PATH_GRAMMAR) !== undefined;
  if (!isSafe) throw new Error('Expression is not allowed in an nginx configuration');
  return quote(pathExpression(pattern));
}

/** A quoted value followed by an nginx variable. */
export function quoteBefore(value: unknown, variable: string): string {
  return `${quote(value).slice(0, -1)}$${variable}"`;
}

/** A name as the source value of a map. Keywords of the map require a backslash. Names are case-insensitive. */
export function quoteName(kind: string, name: string): string {
  if (kind === 'regex') return quoteHost(kind, name).replace('~', '~*');
  return quote(['default', 'hostnames', 'include', 'volatile'].includes(name) ? `\\${name}` : name);
}

/** Regular expressions of server names must not contain `$`; nginx marks expressions with `~`. */
export function quoteHost(kind: string, name: string): string {
  if (kind !== 'regex') return quote(name);
  if (!/^[\x21-\x7e]*$/.test(name) || /["$;{}]{1}/.test(name.replaceAll(/\{\d+(,\d*)?\}/g, ''))) {
    throw new Error('Expression is not allowed in an nginx configuration');
  }
  return `"~^${name}$"`;
}

/**
 * Any text as a value of `geo`, the only directive that treats `$` literally. nginx limits the length of words, so long texts are composed of
 * several.
 */
export function quoteLiteral(value: unknown): string {
  const text = String(value);
  if (text.includes('\0')) throw new Error('Text with a NUL character is not allowed in an nginx configuration');
  return `"${text.replaceAll(/["\\]/g, String.raw`\$&`)}"`;
}
