import {
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type Pair,
  parseDocument,
  type YAMLMap,
  type YAMLSeq,
} from 'yaml';
import type { Finding } from '../compose/finding.ts';
import { yamlInvalid } from '../compose/parse-yaml.ts';
import type { ForeignLabel, ForeignService, OurLabels } from './foreign-label.ts';
import { notConverted } from './remarks.ts';

const PREFIX = 'com.docker.lb.';

interface Edit {
  readonly from: number;
  readonly to: number;
  readonly text: string;
}

interface ServiceNode {
  readonly name: string;
  readonly node: YAMLMap;
}

/** Where a router reads what services want. */
export type Source = 'labels' | 'environment';

/** A compose file whose text is changed in places, so that comments and layout stay. */
export class ComposeText {
  readonly #file: string;
  readonly #source: Source;
  readonly #text: string;
  readonly #lines = new LineCounter();
  readonly #services: readonly ServiceNode[];
  readonly #edits: Edit[] = [];
  /** Collections that get our labels. */
  readonly #added = new Set<unknown>();
  readonly #errors: readonly Finding[];

  constructor(file: string, text: string, source: Source) {
    this.#file = file;
    this.#source = source;
    this.#text = text;
    const options = { lineCounter: this.#lines, prettyErrors: false, logLevel: 'silent', schema: 'failsafe' } as const;
    const { errors, contents } = parseDocument(text, options);
    this.#errors = errors.map(({ pos, message }) => ({
      ...yamlInvalid(`is invalid YAML: ${message}`, 'Correct the YAML.'),
      place: this.#placeOf(pos[0]),
    }));
    const services = errors.length === 0 && isMap(contents) ? contents.get('services', true) : undefined;
    this.#services = isMap(services)
      ? services.items.flatMap(({ key, value }) =>
          isScalar(key) && isMap(value) ? { name: String(key.value), node: value } : [],
        )
      : [];
  }

  /** What keeps the file from being converted. */
  get findings(): Finding[] {
    const unread = this.#services.flatMap(({ name, node }) =>
      this.#collectionsOf(node).flatMap((labels) => (isBlock(labels) ? [] : this.#unread(name, labels as Node))),
    );
    return [...this.#errors, ...unread];
  }

  #unread(service: string, labels: Node): Finding {
    const reason = `${this.#source} that are an alias, merged, or in one line are not converted`;
    return {
      ...notConverted(reason, 'Write one entry per line.'),
      service,
      place: this.#placeOf(offsetOf(labels)),
    };
  }

  /** The services with their labels or variables. */
  get services(): ForeignService[] {
    return this.#services.map(({ name, node }) => ({ name, labels: this.#labelsOf(node) }));
  }

  #labelsOf(node: YAMLMap): ForeignLabel[] {
    return this.#collectionsOf(node).flatMap((labels) => (isBlock(labels) ? this.#entriesOf(labels) : []));
  }

  /** Labels of the service, and of its containers: Docker providers read the latter. */
  #collectionsOf(service: YAMLMap): unknown[] {
    const found = this.#source === 'labels' ? [deployLabels(service)] : [];
    return [...found, service.get(this.#source, true)].filter((each) => each !== undefined);
  }

  #entriesOf(labels: unknown): ForeignLabel[] {
    if (isSeq(labels))
      return labels.items.flatMap((item) => {
        if (!isScalar(item)) return [];
        const [name = '', ...value] = String(item.value).split('=');
        return { name, value: value.join('='), place: this.#placeOf(offsetOf(item)) };
      });
    if (!isMap(labels)) return [];
    return labels.items.flatMap(({ key, value }) => {
      if (!isScalar(key)) return [];
      const text = isScalar(value) ? String(value.value ?? '') : '';
      return { name: String(key.value), value: text, place: this.#placeOf(offsetOf(key)) };
    });
  }

  /** Writes labels below those of the service. */
  add(name: string, labels: OurLabels): void {
    const service = this.#services.find((each) => each.name === name);
    if (service === undefined || labels.size === 0) return;
    const written = [...labels].map(([key, value]) => [PREFIX + key, value] as const);
    this.#edits.push(this.#insertion(service.node, written));
  }

  #insertion(service: YAMLMap, labels: readonly (readonly [string, string])[]): Edit {
    const own = deployLabels(service);
    if (isSeq(own) && own.items.length > 0)
      return this.#below(
        own,
        labels.map(([key, value]) => `- ${scalar(`${key}=${value}`)}`),
      );
    const lines = labels.map(([key, value]) => `${key}: ${scalar(value)}`);
    if (isMap(own) && own.items.length > 0) return this.#below(own, lines);
    const nested = ['labels:', ...lines.map((line) => `  ${line}`)];
    const deploy = service.get('deploy', true);
    if (isMap(deploy) && deploy.items.length > 0) return this.#below(deploy, nested);
    return this.#below(service, ['deploy:', ...nested.map((line) => `  ${line}`)]);
  }

  /** After the last item of a collection, indented like it. */
  #below(collection: YAMLMap | YAMLSeq, lines: readonly string[]): Edit {
    this.#added.add(collection);
    const last = collection.items.at(-1) as Node | Pair;
    const end = this.#endOfLine(endOf(last));
    const first = collection.items[0] as Node | Pair;
    const indent = this.#indentOf(startOf(first), isSeq(collection));
    const text = lines.map((line) => `${indent}${line}\n`).join('');
    const gap = end > 0 && this.#text[end - 1] !== '\n' ? '\n' : '';
    return { from: end, to: end, text: gap + text };
  }

  /** Removes the entries for which `isTheirs` holds. */
  remove(isTheirs: (label: ForeignLabel) => boolean): void {
    for (const { node } of this.#services) {
      const deploy = node.get('deploy', true);
      if (isMap(deploy) && this.#source === 'labels')
        this.#removeFrom(deploy, isTheirs, deploy.items.length === 1 ? pairOf(node, 'deploy') : undefined);
      this.#removeFrom(node, isTheirs);
    }
  }

  /** Docker rejects labels without content, so the key goes with the last one. */
  #removeFrom(owner: YAMLMap, isTheirs: (label: ForeignLabel) => boolean, whole = pairOf(owner, this.#source)): void {
    const labels = owner.get(this.#source, true);
    if (!isBlock(labels)) return;
    const entries = this.#entriesOf(labels);
    const items = (labels.items as (Node | Pair)[]).filter(
      (_, position) => entries[position] && isTheirs(entries[position]),
    );
    const isEmpty = items.length === labels.items.length && !this.#added.has(labels);
    for (const item of isEmpty ? [whole!] : items)
      this.#edits.push({ from: this.#startOfLine(startOf(item)), to: this.#endOfLine(endOf(item)), text: '' });
  }

  /** The text with all changes. */
  toString(): string {
    let changed = this.#text;
    for (const { from, to, text } of this.#edits.toSorted((a, b) => b.from - a.from || b.to - a.to))
      changed = changed.slice(0, from) + text + changed.slice(to);
    return changed;
  }

  #placeOf(offset: number) {
    const { line, col } = this.#lines.linePos(offset);
    return { file: this.#file, line: Math.max(line, 1), column: Math.max(col, 1) };
  }

  #startOfLine(offset: number): number {
    return this.#text.lastIndexOf('\n', offset - 1) + 1;
  }

  /** The beginning of the next line. A block scalar ends there already. */
  #endOfLine(offset: number): number {
    if (this.#text[offset - 1] === '\n') return offset;
    const end = this.#text.indexOf('\n', offset);
    return end < 0 ? this.#text.length : end + 1;
  }

  #indentOf(offset: number, isItem: boolean): string {
    const start = this.#startOfLine(offset);
    const column = isItem ? this.#text.lastIndexOf('-', offset) - start : offset - start;
    return ' '.repeat(column);
  }
}

function deployLabels(service: YAMLMap): unknown {
  const deploy = service.get('deploy', true);
  return isMap(deploy) ? deploy.get('labels', true) : undefined;
}

/** A list or mapping whose entries have lines of their own. */
function isBlock(labels: unknown): labels is YAMLMap | YAMLSeq {
  if (isSeq(labels)) return !labels.flow;
  return isMap(labels) && !labels.flow && pairOf(labels, '<<') === undefined;
}

function pairOf(map: YAMLMap, key: string): Pair | undefined {
  return map.items.find((pair) => isScalar(pair.key) && pair.key.value === key);
}

function isPair(item: Node | Pair): item is Pair {
  return 'key' in item;
}

function startOf(item: Node | Pair): number {
  return offsetOf(isPair(item) ? (item.key as Node) : item);
}

/** The end of the last value in it. */
function endOf(item: Node | Pair): number {
  if (isPair(item)) return endOf((item.value ?? item.key) as Node);
  if ((isMap(item) || isSeq(item)) && item.items.length > 0 && !item.flow)
    return endOf(item.items.at(-1) as Node | Pair);
  return item.range?.[1] ?? 0;
}

function offsetOf(node: Node): number {
  return node.range?.[0] ?? 0;
}

/** Plain if no reader of YAML could take it for anything else than this text. */
function scalar(text: string): string {
  const isPlain =
    /^[a-zA-Z/][a-zA-Z0-9./_-]*(?:=[a-zA-Z0-9./_-]*)?$/.test(text) &&
    !/^(?:true|false|yes|no|on|off|null|y|n)$/i.test(text);
  return isPlain ? text : JSON.stringify(text);
}
