import { type Alias, isAlias, isMap, isScalar, isSeq, LineCounter, type Node, parseDocument, type YAMLMap } from 'yaml';
import type { Finding } from './finding.ts';
import type { Entry, Place, Tree } from './tree.ts';

export interface ParsedYaml {
  /** Undefined where the text is not YAML. */
  readonly tree: Tree | undefined;
  readonly findings: readonly Finding[];
}

export function parseYaml(file: string, text: string): ParsedYaml {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, logLevel: 'silent' });
  const findings: Finding[] = [];
  const placeAt = (offset: number): Place => {
    const { line, col } = lines.linePos(offset);
    return { file, line: Math.max(line, 1), column: Math.max(col, 1) };
  };
  const report = (offset: number, reason: string) => {
    findings.push({ severity: 'error', reason, remedy: 'Correct the YAML.', place: placeAt(offset) });
  };
  for (const { pos, message } of document.errors) report(pos[0], `is not YAML: ${message}`);
  if (findings.length > 0) return { tree: undefined, findings };
  const converter = new Converter(placeAt, (alias) => {
    const target = alias.resolve(document);
    if (target === undefined) report(offsetOf(alias), `has no anchor &${alias.source} above it`);
    return target;
  });
  return { tree: converter.convert(document.contents), findings };
}

/** Every node is converted once, however many aliases lead to it: a file of a few lines can have billions of paths. */
class Converter {
  readonly #placeAt: (offset: number) => Place;
  readonly #resolve: (alias: Alias) => Node | undefined;
  readonly #converted = new Map<Node, Tree>();

  constructor(placeAt: (offset: number) => Place, resolve: (alias: Alias) => Node | undefined) {
    this.#placeAt = placeAt;
    this.#resolve = resolve;
  }

  convert(node: Node | null | undefined): Tree {
    const place = this.#placeAt(node ? offsetOf(node) : 0);
    if (!node) return { kind: 'scalar', value: null, place };
    const known = this.#converted.get(node);
    if (known) return known;
    // Stands for the node within itself: an anchor may hold its own alias.
    this.#converted.set(node, { kind: 'scalar', value: null, place });
    const tree = this.#convertNew(node, place);
    this.#converted.set(node, tree);
    return tree;
  }

  #convertNew(node: Node, place: Place): Tree {
    if (isAlias(node)) return this.convert(this.#resolve(node));
    if (isMap(node)) return { kind: 'mapping', entries: this.#entries(node), place };
    if (isSeq(node)) return { kind: 'sequence', items: node.items.map((item) => this.convert(item as Node)), place };
    const value = isScalar(node) ? node.value : null;
    return { kind: 'scalar', value: isPlain(value) ? value : String(value), place };
  }

  /** The map's own keys hold before merged ones, and of these the first. */
  #entries(map: YAMLMap): ReadonlyMap<string, Entry> {
    const own = new Map<string, Entry>();
    const merged = new Map<string, Entry>();
    for (const pair of map.items) {
      const key = pair.key as Node;
      const value = this.convert(pair.value as Node | null);
      if (isScalar(key) && key.value === '<<' && key.type === 'PLAIN') {
        for (const [name, entry] of mergedEntries(value)) if (!merged.has(name)) merged.set(name, entry);
      } else own.set(isScalar(key) ? String(key.value) : '', { place: this.#placeAt(offsetOf(key)), value });
    }
    return new Map([...merged, ...own]);
  }
}

function mergedEntries(tree: Tree): readonly (readonly [string, Entry])[] {
  if (tree.kind === 'mapping') return [...tree.entries];
  return tree.kind === 'sequence' ? tree.items.flatMap(mergedEntries) : [];
}

function isPlain(value: unknown): value is string | number | bigint | boolean | null {
  return value === null || ['string', 'number', 'bigint', 'boolean'].includes(typeof value);
}

function offsetOf(node: Node): number {
  return node.range?.[0] ?? 0;
}
