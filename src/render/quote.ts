import { isCanonicalPath } from '../model/path.ts';

/**
 * The one place where a value becomes part of nginx's text. nginx has no escape for `$`, so a value with one is refused, and so
 * is everything outside printable ASCII: grammars should have kept both away long before.
 */
export function quote(value: unknown): string {
  if (value === undefined) throw new Error('A template quotes a missing field');
  const text = String(value);
  if (!/^[\x20-\x7e]*$/.test(text) || text.includes('$')) {
    throw new Error(`Value is not allowed in an nginx configuration: ${JSON.stringify(text.slice(0, 80))}`);
  }
  return `"${text.replaceAll(/["\\]/g, String.raw`\$&`)}"`;
}

/** A decoded path as the prefix of a location, where nginx takes `$` for what it is and compares bytes. */
export function quotePath(value: unknown): string {
  const text = String(value);
  if (!isCanonicalPath(text.replace(/\/$/, ''))) throw new Error('Path is not allowed in an nginx configuration');
  return `"${text.replaceAll(/["\\]/g, String.raw`\$&`)}"`;
}

/** A quoted value with a variable of nginx behind it. */
export function quoteBefore(value: unknown, variable: string): string {
  return `${quote(value).slice(0, -1)}$${variable}"`;
}

/** A name as the source of a map; words of the map itself need a backslash. Names are compared without regard to case. */
export function quoteName(kind: string, name: string): string {
  if (kind === 'regex') return quoteHost(kind, name).replace('~', '~*');
  return quote(['default', 'hostnames', 'include', 'volatile'].includes(name) ? `\\${name}` : name);
}

/** Regular expressions of server names may hold `$`-free text only; nginx marks them with `~`. */
export function quoteHost(kind: string, name: string): string {
  if (kind !== 'regex') return quote(name);
  if (!/^[\x21-\x7e]*$/.test(name) || /["$;{}]{1}/.test(name.replaceAll(/\{\d+(,\d*)?\}/g, ''))) {
    throw new Error('Expression is not allowed in an nginx configuration');
  }
  return `"~^${name}$"`;
}

/**
 * Any text as the value of a `geo`, the one directive that takes a `$` for what it is. nginx has an end for words, so that long texts are
 * put together from several.
 */
export function quoteLiteral(value: unknown): string {
  const text = String(value);
  if (text.includes('\0')) throw new Error('Text with a NUL character is not allowed in an nginx configuration');
  return `"${text.replaceAll(/["\\]/g, String.raw`\$&`)}"`;
}
