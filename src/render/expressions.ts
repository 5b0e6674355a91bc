import { type PathPattern, pathKind, patternText } from '../model/path-pattern.ts';

/** Regular expressions for maps: texts of users appear in them as characters only, never as operators. */

/** A text; any text but the empty one if there is none. */
export function exactly(text: string | undefined): string {
  return text === undefined ? '~.' : `~^${literally(text)}\\z`;
}

/** The value of the first cookie with a name. */
export function firstCookie(name: string, value: string | undefined): string {
  const own = literally(name);
  const end = value === undefined ? '' : String.raw`${literally(value)}[ \t]*(?:;|\z)`;
  return String.raw`~^(?:(?!${own}=)[^;]*+;[ \t]*+)*+${own}=${end}`;
}

/** The value of the first query parameter with a name, both decoded. */
export function firstParameter(name: string, value: string | undefined): string {
  const own = encoded(name);
  const end = value === undefined ? String.raw`(?:[=&]|\z)` : String.raw`=${encoded(value)}(?:&|\z)`;
  return String.raw`~^(?:(?!${own}(?:[=&]|\z))[^&]*+&)*+${own}${end}`;
}

/** For normalized paths that a pattern matches. By default, `.` would not match a line break, and `$` match before one. */
export function pathExpression(pattern: PathPattern): string {
  const text = patternText(pattern);
  if (pathKind(pattern) === 'regex') return String.raw`(?s)^${text}\z`;
  const bytes = literally(Buffer.from(text).toString('latin1'));
  const end = pathKind(pattern) === 'exact' ? String.raw`\z` : String.raw`(?:/|\z)`;
  return `(?s)^${bytes}${end}`;
}

function literally(text: string): string {
  return [...text].map(character).join('');
}

function encoded(text: string): string {
  return [...text].map(encodedCharacter).join('');
}

function character(char: string): string {
  return /[A-Za-z0-9]/.test(char) ? char : String.raw`\x${hexOf(char)}`;
}

/** As it is, or percent-encoded; a space also as a plus sign. */
function encodedCharacter(char: string): string {
  const digits = hexOf(char).replaceAll(/[a-f]/g, (digit) => `[${digit}${digit.toUpperCase()}]`);
  if (char === ' ') return String.raw`(?:\x2b|%${digits})`;
  // Without encoding, these are a space, the beginning of an escape, or the end of the parameter.
  if ('+%&'.includes(char)) return `%${digits}`;
  return `(?:${character(char)}|%${digits})`;
}

function hexOf(char: string): string {
  return char.charCodeAt(0).toString(16).padStart(2, '0');
}
