export type Variables = (name: string) => string | undefined;

export interface Substituted {
  readonly text: string;
  /** Variables without a value and without a default: an empty string took their place. */
  readonly unset: readonly string[];
  /** What keeps `docker stack deploy` from going on. */
  readonly refused: string | undefined;
}

/** A name, and perhaps what to do without it: `-` and `:-` give a default, `?` and `:?` refuse; with the colon an empty value is none. */
const REFERENCE = '[_a-z][_a-z0-9]*(?::?[-?][^}]*)?';
/** As odd as it is: a default may stand behind a name without braces too, and goes on to the end. */
const VARIABLE = new RegExp(String.raw`\$(?:(\$)|(${REFERENCE})|\{(${REFERENCE})\}|)`, 'gi');

/** Fills in variables as the docker command line does. */
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
