import type { NginxSettings } from '../model/settings/keys.ts';
import { eachStatement, statementFault } from './statement-fault.ts';
import { NginxTextError, type Statement } from './statements.ts';

/**
 * Statements beyond the allow-list that the administrator has written in the settings or a template: the words of each statement, joined by line
 * breaks. A zero byte stands for a value that a template fills in.
 */
export type Permissions = readonly string[];

export const NOTHING_MORE: Permissions = [];

const GAP = '\0';
/** An environment variable holds less than 128 KiB. */
const MOST_LENGTH = 96 * 1024;

interface Source {
  readonly nginx: Pick<
    NginxSettings,
    'AccessLogPath' | 'ErrorLogPath' | 'GlobalOptions' | 'HTTPOptions' | 'TCPOptions'
  >;
  /** The administrator's own main template. */
  readonly template?: string | undefined;
}

export function permissionsOf({ nginx, template = '' }: Source): Permissions {
  const { AccessLogPath, ErrorLogPath, GlobalOptions, HTTPOptions, TCPOptions } = nginx;
  const paths = [
    `access_log\n${AccessLogPath}\n${GAP}`,
    `access_log\n${AccessLogPath}\npassthrough\nif=$is_passthrough`,
    `access_log\n${AccessLogPath}\n${GAP}\nif=$is_logged`,
    `error_log\n${ErrorLogPath}\n${GAP}`,
  ];
  const written = [
    ...(isStream(AccessLogPath) ? [] : paths.slice(0, 3)),
    ...(isStream(ErrorLogPath) ? [] : paths.slice(3)),
    ...[GlobalOptions, HTTPOptions, TCPOptions].flatMap((options) => statementsIn(options.join('\n'))),
    ...statementsIn(withGaps(template)),
  ];
  let length = 0;
  return [...new Set(written)].filter((pattern) => {
    length += encodePermissions([pattern]).length;
    return length <= MOST_LENGTH;
  });
}

function isStream(path: string): boolean {
  return path === '/dev/stdout' || path === '/dev/stderr';
}

/** Encodes permissions for the proxies' environment. Swarm would expand `{{` as a template. */
export function encodePermissions(permissions: Permissions): string {
  return JSON.stringify(permissions).replaceAll('{', String.raw`\u007b`);
}

export function decodePermissions(text: string | undefined): Permissions {
  return text === undefined ? NOTHING_MORE : (JSON.parse(text) as Permissions);
}

/** Statements that would otherwise be rejected. If the text has an error, those before it. */
function statementsIn(text: string): string[] {
  const patterns: string[] = [];
  try {
    eachStatement(text, ({ words, opens }, variable) => {
      const filled = words.map((word) => word.replaceAll(MARK, 'x'));
      if (statementFault({ words: filled, opens }, variable) !== undefined)
        patterns.push(words.join('\n').replaceAll(MARK, GAP));
    });
  } catch (error) {
    if (!(error instanceof NginxTextError)) throw error;
  }
  return patterns;
}

/** A character that never appears in a configuration. */
const MARK = '\u{e000}';

/** Replaces Handlebars tags that produce output with gaps, and removes all others. */
function withGaps(template: string): string {
  return template
    .replaceAll(/\{\{~?!--.*?--~?\}\}|\{\{~?!.*?\}\}/gs, '')
    .replaceAll(/\{\{~?\s*(?:[#/^>]|else\b).*?\}\}/gs, ' ')
    .replaceAll(/\{\{\{?.*?\}?\}\}/gs, MARK);
}

/**
 * Whether the administrator has written a statement. The text in a gap must not lead to another folder or contain a
 * variable.
 */
export function permits(permissions: Permissions, { words }: Statement): boolean {
  const text = words.join('\n');
  return permissions.some((pattern) => matches(pattern, text));
}

function matches(pattern: string, text: string): boolean {
  const [head = '', ...rest] = pattern.split(GAP);
  if (rest.length === 0) return text === pattern;
  if (!text.startsWith(head)) return false;
  let offset = head.length;
  for (const [position, literal] of rest.entries()) {
    const isLast = position === rest.length - 1;
    const at = isLast ? text.length - literal.length : text.indexOf(literal, offset);
    if (at < offset || !text.startsWith(literal, at) || !isHarmless(text.slice(offset, at))) return false;
    offset = at + literal.length;
  }
  return true;
}

function isHarmless(filling: string): boolean {
  return !/[/$:(]|\.\.|signalbox/.test(filling);
}
