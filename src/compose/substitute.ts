export type Variables = (name: string) => string | undefined;

export interface Substituted {
  readonly text: string;
  /** Variables without a value and a default. They were replaced by an empty string. */
  readonly unset: readonly string[];
  /** Why `docker stack deploy` rejects the text, if it does. */
  readonly refused: string | undefined;
}

/**
 * A name and an optional operator: `-` and `:-` set a default, `?` and `:?` require a value. With a colon, an empty value counts as
 * unset.
 */
const REFERENCE = '[_a-z][_a-z0-9]*(?::?[-?][^}]*)?';
/** Docker also accepts an operator after a name without braces. Its text then extends to the end, or to the next `}`. */
const VARIABLE = new RegExp(String.raw`\$(?:(\$)|(${REFERENCE})|\{(${REFERENCE})\}|)`, 'gi');

/** Substitutes variables as the Docker command line does. */
export function substitute(text: string, variables: Variables): Substituted {
  const unset: string[] = [];
  let refused: string | undefined;
  const filled = text.replaceAll(VARIABLE, (_, dollar?: string, bare?: string, braced?: string) => {
    if (dollar !== undefined) return '$';
    const [, name, operator, rest = ''] = /^(\w+)(:?[-?])?(.*)$/s.exec(bare ?? braced ?? '') ?? [];
    if (name === undefined) {
      refused = 'contains a $ that does not start a variable';
      return '';
    }
    const value = lookUp(name, operator, variables);
    if (value !== undefined) return value;
    if (operator?.endsWith('-')) return rest;
    if (operator === undefined) unset.push(name);
    else refused = `requires the variable ${name}${rest && `: ${rest}`}`;
    return '';
  });
  return { text: filled, unset, refused };
}

function lookUp(name: string, operator: string | undefined, variables: Variables): string | undefined {
  const value = variables(name);
  return value === '' && operator?.startsWith(':') ? undefined : value;
}
