import { asGiven, problemKind } from '../model/problem-kind.ts';
import type { Finding } from './finding.ts';
import { anything, composeRule, type Kind, type Rule, remedies } from './rules.ts';
import { substitute, type Variables } from './substitute.ts';
import { below, type Entry, type Mapping, type Place, type Scalar, type Sequence, type Tree } from './tree.ts';

export const composeInvalid = problemKind({
  id: 'compose-invalid',
  severity: 'error',
  meaning: `Docker rejects the compose file.`,
  ...asGiven,
  example: ['services.web.ports must be a list: docker stack deploy rejects the file', 'Correct the file.'],
});

/** What `docker stack deploy` rejects in the form of a compose file. */
export function checkForm(tree: Tree | undefined, variables: Variables): Finding[] {
  if (tree === undefined) return [];
  if (tree.kind !== 'mapping') return [rejection('The file', 'must be a mapping', tree.place)];
  const version = readVersion(below(tree, 'version'));
  const checker = new Checker(variables, version.minor);
  checker.check(tree, composeRule, '');
  return [...version.findings, ...checker.findings];
}

const LAST_MINOR = 13;
export const LAST_VERSION = `3.${LAST_MINOR}`;

/** Accepts versions 3.0 to 3.13 of the format. Defaults to the last. */
function readVersion(tree: Tree | undefined): { readonly minor: number; readonly findings: readonly Finding[] } {
  const last = { minor: LAST_MINOR, findings: [] };
  if (tree === undefined || (tree.kind === 'scalar' && tree.type === 'string' && tree.text === '')) return last;
  if (tree.kind !== 'scalar' || !['string', 'null'].includes(tree.type)) return last;
  const [, minor] = /^3(?:\.(\d{1,2}))?$/.exec(tree.text) ?? [];
  if (/^3(?:\.|$)/.test(tree.text) && Number(minor ?? 0) <= LAST_MINOR)
    return { minor: Number(minor ?? 0), findings: [] };
  const reason = `must be from 3.0 to ${LAST_VERSION}`;
  return {
    minor: LAST_MINOR,
    findings: [rejection('version', reason, tree.place, 'Remove the version key; Docker does not need it.')],
  };
}

class Checker {
  readonly findings: Finding[] = [];
  readonly #variables: Variables;
  readonly #minor: number;

  constructor(variables: Variables, minor: number) {
    this.#variables = variables;
    this.#minor = minor;
  }

  check(tree: Tree, rule: Rule, path: string): void {
    const kinds = tree.kind === 'scalar' ? this.#kindsOf(tree, rule) : [tree.kind === 'mapping' ? 'mapping' : 'list'];
    if (!kinds.some((kind) => rule.is.includes(kind as Kind)))
      this.findings.push(rejection(path, `must be ${rule.is.map(withArticle).join(' or ')}`, tree.place));
    else if (tree.kind === 'mapping') this.#checkMapping(tree, rule, path);
    else if (tree.kind === 'sequence') this.#checkList(tree, rule, path);
  }

  #checkMapping(tree: Mapping, rule: Rule, path: string): void {
    if (rule.keys === undefined && rule.entries === undefined) return;
    for (const [name, entry] of tree.entries)
      this.#checkEntry(name, entry, rule, path === '' ? name : `${path}.${name}`);
  }

  #checkEntry(name: string, { place, value }: Entry, rule: Rule, path: string): void {
    const own = ruleFor(name, rule);
    if (own === undefined) this.findings.push(rejection(path, 'is not allowed', place, remedies[name]));
    else if ((own.since ?? 0) > this.#minor)
      this.findings.push(rejection(path, `is not allowed before version 3.${own.since}`, place));
    else this.check(value, own, path);
  }

  #checkList({ items, place }: Sequence, rule: Rule, path: string): void {
    if (rule.unique && repeats(items)) this.findings.push(rejection(path, 'has a duplicate item', place));
    if (rule.items === undefined) return;
    for (const [position, item] of items.entries()) this.check(item, rule.items, `${path}.${position}`);
  }

  /** A variable's value is a string, except where Docker converts it to another type. */
  #kindsOf(scalar: Scalar, { cast }: Rule): Kind[] {
    if (scalar.type !== 'string') return kindsOfType(scalar);
    if (cast === undefined) return ['string'];
    const { text } = substitute(scalar.text, this.#variables);
    if (text === scalar.text) return ['string'];
    if (cast === 'integer') return /^[-+]?\d+$/.test(text) ? ['integer', 'number'] : ['string'];
    return /^(?:y|yes|true|on|n|no|false|off)$/i.test(text) ? ['boolean'] : ['string'];
  }
}

function ruleFor(name: string, { keys, entries, extensions }: Rule): Rule | undefined {
  if (keys && Object.hasOwn(keys, name)) return keys[name];
  if (entries?.names.test(name)) return entries.rule;
  return extensions !== undefined && name.startsWith('x-') ? { ...anything, since: extensions } : undefined;
}

function kindsOfType({ type, text }: Scalar): Kind[] {
  if (type === 'int') return ['integer', 'number'];
  if (type === 'float') return Number.isInteger(Number(text)) ? ['integer', 'number'] : ['number'];
  return type === 'bool' ? ['boolean'] : type === 'null' ? ['null'] : ['string'];
}

function withArticle(kind: Kind): string {
  if (kind === 'null') return 'empty';
  return kind === 'integer' ? 'an integer' : `a ${kind}`;
}

/** Compares only scalars: with aliases, mappings can have any size. */
function repeats(items: readonly Tree[]): boolean {
  const keys = items.flatMap((item) => (item.kind === 'scalar' ? `${item.type} ${item.text}` : []));
  return new Set(keys).size < keys.length;
}

function rejection(path: string, reason: string, place: Place, remedy = 'Correct the file.'): Finding {
  return { ...composeInvalid(`${path} ${reason}: docker stack deploy rejects the file`, remedy), place };
}
