import { readFileSync } from 'node:fs';
import { lintStack } from '../../src/compose/lint.ts';
import { type LoadOptions, loadStack } from '../../src/compose/load.ts';
import { settingsFor } from '../../src/compose/settings.ts';

const folder = new URL('../compose/', import.meta.url);

export function composePath(name: string): string {
  return new URL(name, folder).pathname;
}

export function readCompose(name: string): string {
  return readFileSync(composePath(name), 'utf8');
}

/** Files by name, as one stack. */
export function load(files: Readonly<Record<string, string>>, options: Partial<LoadOptions> = {}) {
  const given = Object.entries(files).map(([name, text]) => ({ name, text }));
  const defaults = { variables: () => undefined, stackName: undefined, fallbackName: 'demo' };
  return loadStack(given, { ...defaults, ...options });
}

/** Problems, as `file:line:column severity label reason`. */
export function lint(files: Readonly<Record<string, string>>, options: Partial<LoadOptions> = {}): string[] {
  const loaded = load(files, options);
  const input = { ...loaded, settings: settingsFor(loaded.snapshot, '1'), problems: [] };
  return lintStack(input, Object.keys(files)).map(({ place: { file, line, column }, severity, label, reason }) =>
    [`${file}:${line}:${column}`, severity, label, reason].filter((part) => part !== undefined).join(' '),
  );
}
