import {
  type Alias,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseDocument,
  type Scalar,
  type YAMLMap,
} from 'yaml';
import { asGiven, problemKind } from '../model/problem-kind.ts';
import type { Finding } from './finding.ts';
import { type ResolvedScalar, resolveScalar } from './go-scalar.ts';
import type { Entry, Place, Tree } from './tree.ts';

export const yamlInvalid = problemKind({
  id: 'compose-yaml',
  severity: 'error',
  meaning: `A compose file is not valid YAML.`,
  ...asGiven,
  example: ['is invalid YAML: Nested mappings are not allowed in compact mappings', 'Correct the YAML.'],
});

export interface ParsedYaml {
  /** Undefined if the text is not YAML. */
  readonly tree: Tree | undefined;
  readonly findings: readonly Finding[];
}

export function parseYaml(file: string, text: string): ParsedYaml {
  const lines = new LineCounter();
  const document = parseDocument(text, {
    lineCounter: lines,
    prettyErrors: false,
    logLevel: 'silent',
    // Keeps scalars as text. resolveScalar determines their types as Docker does.
    schema: 'failsafe',
  });
  const findings: Finding[] = [];
  const placeAt = (offset: number): Place => {
    const { line, col } = lines.linePos(offset);
    return { file, line: Math.max(line, 1), column: Math.max(col, 1) };
  };
  const report: Report = (offset, reason, remedy = 'Correct the YAML.') => {
    findings.push({ ...yamlInvalid(reason, remedy), place: placeAt(offset) });
  };
  for (const { pos, message } of document.errors) report(pos[0], `is invalid YAML: ${message}`);
  if (findings.length > 0) return { tree: undefined, findings };
  const resolve = (alias: Alias) => {
    const target = alias.resolve(document);
    if (target === undefined) report(offsetOf(alias), `has no preceding anchor &${alias.source}`);
    return target;
  };
  const converter = new Converter(placeAt, resolve, report);
  return { tree: converter.convert(document.contents), findings };
}

type Report = (offset: number, reason: string, remedy?: string) => void;

const NO_VALUE = { type: 'null', text: '' } as const;

/** Converts each node once, even if many aliases refer to it: with aliases, a few lines can have billions of paths. */
class Converter {
  readonly #placeAt: (offset: number) => Place;
  readonly #resolve: (alias: Alias) => Node | undefined;
  readonly #report: Report;
  readonly #converted = new Map<Node, Tree>();

  constructor(placeAt: (offset: number) => Place, resolve: (alias: Alias) => Node | undefined, report: Report) {
    this.#placeAt = placeAt;
    this.#resolve = resolve;
    this.#report = report;
  }

  convert(node: Node | null | undefined): Tree {
    const place = this.#placeAt(node ? offsetOf(node) : 0);
    if (!node) return { kind: 'scalar', ...NO_VALUE, place };
    const known = this.#converted.get(node);
    if (known) return known;
    // A placeholder while the node is converted: an anchor may contain its own alias.
    this.#converted.set(node, { kind: 'scalar', ...NO_VALUE, place });
    const tree = this.#convertNew(node, place);
    this.#converted.set(node, tree);
    return tree;
  }

  #convertNew(node: Node, place: Place): Tree {
    if (isAlias(node)) return this.convert(this.#resolve(node));
    if (isMap(node)) return { kind: 'mapping', entries: this.#entries(node), place };
    if (isSeq(node)) return { kind: 'sequence', items: node.items.map((item) => this.convert(item as Node)), place };
    return { kind: 'scalar', ...(isScalar(node) ? resolve(node) : NO_VALUE), place };
  }

  /** A map's keys override merged keys. The first merge overrides later ones. */
  #entries(map: YAMLMap): ReadonlyMap<string, Entry> {
    const own = new Map<string, Entry>();
    const merged = new Map<string, Entry>();
    for (const pair of map.items) {
      const key = pair.key as Node;
      const value = this.convert(pair.value as Node | null);
      if (isScalar(key) && key.value === '<<' && key.type === 'PLAIN') {
        for (const [name, entry] of mergedEntries(value)) if (!merged.has(name)) merged.set(name, entry);
      } else own.set(this.#name(key), { place: this.#placeAt(offsetOf(key)), value });
    }
    return new Map([...merged, ...own]);
  }

  #name(key: Node): string {
    const { type, text } = isScalar(key) ? resolve(key) : NO_VALUE;
    if (type !== 'string')
      this.#report(offsetOf(key), 'has a key that is not a string: docker stack deploy rejects the file', 'Quote it.');
    return isScalar(key) ? String(key.value) : text;
  }
}

function resolve({ value, source, type, tag }: Scalar): ResolvedScalar {
  const isPlain = type === undefined || type === 'PLAIN';
  return resolveScalar(isPlain ? (source ?? '') : String(value), isPlain, tag);
}

function mergedEntries(tree: Tree): readonly (readonly [string, Entry])[] {
  if (tree.kind === 'mapping') return [...tree.entries];
  return tree.kind === 'sequence' ? tree.items.flatMap(mergedEntries) : [];
}

function offsetOf(node: Node): number {
  return node.range?.[0] ?? 0;
}
