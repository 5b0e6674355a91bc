import { blocks, directives, isOwnInclude, isProtected, mayBe, protectedGroups, type Rule } from './directives.ts';
import { NginxTextError, readStatements, type Statement } from './statements.ts';

/**
 * Entries of `map` that set an unprotected variable and are neither `include` nor expressions. There is one for each host. Matches a limited number
 * at a time, because the matcher uses memory for each.
 */
const HARMLESS_ENTRIES =
  /(?:[ \t\r\n]*(?!include)(?:[^ \t\r\n;{}"'\\$#~][^ \t\r\n;{}\\$#]*|"(?!~|include)[^"\\]*")[ \t\r\n]+(?:[^ \t\r\n;{}"'\\#][^ \t\r\n;{}\\#]*|"[^"\\]*")[ \t\r\n]*;){1,1000}/y;

/** A statement, and the variable that its block defines if that is `map` or `geo`. */
export type Judge = (statement: Statement, variable: string | undefined) => void;

export function eachStatement(text: string, judge: Judge): void {
  const open: (string | undefined)[] = [];
  const statement = (statement: Statement) => {
    judge(statement, open.at(-1));
    if (statement.opens) open.push(variableOf(statement));
    const variable = open.at(-1);
    return variable === undefined || isProtected(variable) ? undefined : HARMLESS_ENTRIES;
  };
  const close = () => {
    if (open.length === 0) throw new NginxTextError('closes a block that is not open');
    open.pop();
  };
  readStatements(text, { statement, close });
  if (open.length > 0) throw new NginxTextError('leaves a block open');
}

function variableOf({ words: [name, ...args] }: Statement): string | undefined {
  return name === 'map' || name === 'geo' || name === 'split_clients' ? (args.at(-1) ?? '') : undefined;
}

/** Why a statement is not one that our templates write; undefined if it is. */
export function statementFault(statement: Statement, variable?: string): string | undefined {
  const isAllowed = variable === undefined ? isDirective(statement) : isEntry(statement, variable);
  return isAllowed ? undefined : `contains "${shown(statement.words)}"`;
}

function isDirective({ words: [name = '', ...args], opens }: Statement): boolean {
  if (opens) return allows(blocks, name, args);
  if (name === 'include') return isOwnInclude(args.join(' '));
  return name === 'set' ? isAssignment(args) : allows(directives, name, args);
}

function allows(rules: Readonly<Record<string, Rule>>, name: string, args: readonly string[]): boolean {
  return Object.hasOwn(rules, name) && rules[name]!(args);
}

function isAssignment([variable = '', value = '', ...others]: readonly string[]): boolean {
  return others.length === 0 && /^\$\w+$/.test(variable) && mayBe(variable, value);
}

/** `include` reads a file in these blocks too. */
function isEntry({ words: [key = '', value, ...others], opens }: Statement, variable: string): boolean {
  if (opens || others.length > 0 || key === 'include') return false;
  if (key.startsWith('~') && protectedGroups(key).length > 0) return false;
  return value === undefined || mayBe(variable, value);
}

const SHOWN = 120;

function shown(words: readonly string[]): string {
  const text = words.join(' ').replaceAll(/[^\x20-\x7e]/g, '?');
  return text.length > SHOWN ? `${text.slice(0, SHOWN)}…` : text;
}
