import { labelFamilies } from '../features/features.ts';
import { HIDDEN, type Problem, shownValue } from '../problem.ts';
import type { ProblemText } from '../problem-kind.ts';
import { labelName } from '../route.ts';
import { beginningOf, isUnset, LABEL_PREFIX, type LabelDefinition, type LabelFamily } from './label.ts';
import { invalidLabel, unknownLabel } from './label-problems.ts';
import { type LabelName, labelAliases, labels } from './labels.ts';
import { nearest } from './nearest.ts';

type Named = Pick<LabelDefinition, 'name'>;

/** Reads the labels of one route of a service and collects the problems. */
export class LabelReader {
  readonly problems: Problem[] = [];
  /** Set by an invalid label that is not optional: the route is closed. */
  closed = false;
  readonly #service: string;
  /** '' for plain labels, the number of a numbered group, or the complete label of the HTTP Routing Mesh. */
  readonly group: string;
  #values: ReadonlyMap<string, LabelEntry>;

  constructor(service: string, values: ReadonlyMap<string, LabelEntry>, group = '') {
    this.#service = service;
    this.#values = values;
    this.group = group;
  }

  get entries(): ReadonlyMap<string, LabelEntry> {
    return this.#values;
  }

  /** Reads these labels from now on. */
  use(entries: ReadonlyMap<string, LabelEntry>): void {
    this.#values = entries;
  }

  has(name: LabelName): boolean {
    return this.#values.has(name);
  }

  /** The value; undefined if the label is absent or invalid. */
  read<T>(definition: LabelDefinition<T>): T | undefined {
    const entry = this.#values.get(definition.name);
    if (entry === undefined) return undefined;
    if (entry.isInvalid) {
      this.refuse(definition, 'is invalid, so the routes that it applies to are closed');
      return undefined;
    }
    const parsed = definition.schema.safeParse(entry.value);
    if (parsed.success) return parsed.data;
    this.refuse(definition, parsed.error.issues[0]?.message ?? 'is not valid');
    return undefined;
  }

  /** The value as `read` returns it, without reporting problems: for labels that depend on another. */
  peek<T>(definition: LabelDefinition<T>): T | undefined {
    const entry = this.#values.get(definition.name);
    return entry === undefined || entry.isInvalid ? undefined : definition.schema.safeParse(entry.value).data;
  }

  /** The value; `fallback` if the label is absent, undefined if it is invalid. */
  readOr<T>(definition: LabelDefinition<T>, fallback: T): T | undefined {
    return this.#values.has(definition.name) ? this.read(definition) : fallback;
  }

  /** The valid labels of a family, by the names that the user chose, sorted. The first of names that differ only in case is used. */
  readEach<T>(family: LabelFamily<T>): readonly (readonly [name: string, value: T])[] {
    const found = new Map<string, readonly [string, T]>();
    const beginning = beginningOf(family);
    for (const written of this.#namesIn(beginning)) {
      const name = written.slice(beginning.length);
      const definition = { ...family, name: written };
      const fault = found.has(name.toLowerCase()) ? 'is set twice, in another case' : family.nameFault(name);
      if (fault !== undefined) this.refuse(definition, fault, 'Remove the label, or choose another name.');
      const value = fault === undefined ? this.read(definition) : undefined;
      if (value !== undefined) found.set(name.toLowerCase(), [name, value]);
    }
    return [...found.values()];
  }

  /** Sorted, the enforced ones first: limits on their number must not exclude them. */
  #namesIn(beginning: string): string[] {
    const names = [...this.#values.keys()].filter((key) => key.startsWith(beginning)).toSorted();
    const isEnforced = (name: string) => Number(this.#values.get(name)?.isEnforced ?? false);
    return names.toSorted((a, b) => isEnforced(b) - isEnforced(a));
  }

  /** Reports a problem of a label; closes the route unless the label is optional. */
  refuse(
    definition: LabelDefinition<never> | LabelDefinition,
    what: string | ProblemText,
    remedy = remedyFor(definition),
  ): void {
    this.note(definition, typeof what === 'string' ? invalidLabel(what, remedy) : what);
    if (definition.policy !== 'optional') this.closed = true;
  }

  note(definition: Named, text: ProblemText): void {
    const entry = this.#values.get(definition.name);
    // A value of the settings applies to many routes, which share the cause.
    if (entry?.from !== undefined) this.noteShared(definition, { ...text, reason: `${entry.label} ${text.reason}` });
    else this.problems.push(this.#problem(definition, text));
  }

  /** Reports a problem that is not caused by the label and may affect other routes; the reason names the cause. */
  noteShared(definition: Named, text: ProblemText, routes: readonly string[] = []): void {
    const problem = this.#problem(definition, text);
    this.problems.push({ ...problem, affects: [{ service: this.#service, label: problem.label, routes }] });
  }

  #problem({ name }: Named, text: ProblemText) {
    const entry = this.#values.get(name);
    return {
      ...text,
      service: this.#service,
      label: entry?.label ?? labelName(name as LabelName, this),
      ...(entry === undefined ? {} : { value: shownLabel(name, entry.value) }),
    };
  }
}

/** A label's value, unless it may be confidential. */
export function shownLabel(name: string, value: string): string {
  const definition: LabelDefinition | undefined = Object.hasOwn(labels, name)
    ? labels[name as keyof typeof labels]
    : undefined;
  return definition?.hides?.(value) ? HIDDEN : shownValue(value);
}

export function remedyFor(definition: { readonly type: string; readonly example: string }): string {
  return `Set it to a ${definition.type}, for example ${definition.example}.`;
}

/** Whether a service has current routing labels. */
export function hasRoutingLabels(all: Readonly<Record<string, string>>): boolean {
  return Object.entries(all).some(([label, value]) => label.startsWith(LABEL_PREFIX) && !isUnset(value));
}

export interface LabelEntry {
  /** The label as the user wrote it, or the key of the settings. */
  readonly label: string;
  readonly value: string;
  /** The part of the settings that sets it, such as `policy office`. Absent if the service does. */
  readonly from?: string;
  /** Set by `[Extensions.<name>.Enforced]`. */
  readonly isEnforced?: true;
  /** The settings contain an invalid value for a label that is not optional. */
  readonly isInvalid?: true;
}

export interface LabelGroups {
  /** By number; '' for the plain labels. */
  readonly groups: ReadonlyMap<string, ReadonlyMap<string, LabelEntry>>;
  readonly problems: readonly Problem[];
}

/** Groups a service's labels, one group for each route: the plain labels, and `com.docker.lb.<n>.…`. */
export function groupLabels(service: string, all: Readonly<Record<string, string>>): LabelGroups {
  const groups = new Map<string, Map<string, LabelEntry>>();
  const problems: Problem[] = [];
  for (const label of Object.keys(all).toSorted()) {
    if (!label.startsWith(LABEL_PREFIX)) continue;
    const [, number = '', written = ''] = /^(?:(\d+)\.)?(.*)$/s.exec(label.slice(LABEL_PREFIX.length)) ?? [];
    const name = Object.hasOwn(labelAliases, written) ? labelAliases[written]! : written;
    const value = all[label] ?? '';
    // In a family, an empty value has a meaning of its own.
    const isOfFamily = labelFamilies.some((family) => name.startsWith(beginningOf(family)));
    if (isUnset(value) && !isOfFamily) continue;
    if (!isOfFamily && !Object.hasOwn(labels, name)) {
      problems.push(toUnknown(service, label, number, written, value));
      continue;
    }
    const group = groups.get(number) ?? new Map<string, LabelEntry>();
    groups.set(number, group.set(name, { label, value }));
  }
  return { groups, problems };
}

function toUnknown(service: string, label: string, number: string, written: string, value: string): Problem {
  const guess = nearest(written.toLowerCase(), Object.keys(labels));
  const name = number === '' ? guess : `${number}.${guess}`;
  return {
    ...unknownLabel(guess === undefined ? 'Remove it.' : `Did you mean ${LABEL_PREFIX}${name}?`),
    service,
    label: shownValue(label),
    value: shownValue(value),
  };
}
