import { nearest } from '../labels/nearest.ts';
import { type Problem, shownValue } from '../problem.ts';
import { asGiven, problemKind } from '../problem-kind.ts';
import type { KeyDefinition } from './keys.ts';

export const invalidSetting = problemKind({
  id: 'setting-invalid',
  severity: 'error',
  meaning: `A key of the settings file is unknown, or its value is invalid. The key keeps its default, and if the settings were valid before, all of the last good settings stay in force.`,
  ...asGiven,
  example: ['is not a whole number', 'Number of proxies.'],
  at: 'Extensions.default.ProxyReplicas "many"',
});

/** A table of the settings file. */
export type Table = Readonly<Record<string, unknown>>;
/** Reads known keys. An invalid one keeps its default and becomes a problem. */
export function readTable<T>(table: Table, definitions: Readonly<Record<string, KeyDefinition>>, path: string) {
  const values: Record<string, unknown> = {};
  const problems: Problem[] = [];
  const known = new Map(Object.keys(definitions).map((name) => [name.toLowerCase(), name]));
  for (const [name, definition] of Object.entries(definitions)) {
    values[name] = definition.default;
    const raw = table[name.toLowerCase()];
    if (raw === undefined) continue;
    const parsed = definition.schema.safeParse(raw);
    if (parsed.success) values[name] = parsed.data;
    else
      problems.push(
        settingsProblem(path + name, raw, parsed.error.issues[0]?.message ?? 'is not valid', definition.description),
      );
  }
  for (const name of Object.keys(table).filter((name) => !known.has(name))) {
    const guess = nearest(name, [...known.keys()]);
    const remedy = guess === undefined ? 'Remove it.' : `Did you mean ${known.get(guess)}?`;
    problems.push(settingsProblem(path + name, table[name], 'is an unknown setting', remedy));
  }
  return { values: values as T, problems };
}

export function settingsProblem(label: string, value: unknown, reason: string, remedy: string): Problem {
  const shown = typeof value === 'string' ? value : JSON.stringify(value);
  return { ...invalidSetting(reason, remedy), label, value: shownValue(shown ?? '') };
}

export function isTable(value: unknown): value is Table {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function tableOrEmpty(value: unknown): Table {
  return isTable(value) ? value : {};
}

export function noTable(label: string, value: unknown): Problem[] {
  if (value === undefined || isTable(value)) return [];
  return [settingsProblem(label, value, 'is not a table', `Write [${label}], followed by its keys.`)];
}

export function lowerKeys(table: Table): Record<string, unknown> {
  return Object.fromEntries(Object.entries(table).map(([name, value]) => [name.toLowerCase(), value]));
}
