import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { project } from '../../bed/places.ts';

/** The files of the project that a file needs to run, by path: itself and what it imports, directly or not. Imports of types are left out. */
export function sourcesOf(path: string, found = new Map<string, string>()): ReadonlyMap<string, string> {
  if (found.has(path)) return found;
  const text = readFileSync(join(project, path), 'utf8');
  found.set(path, text);
  for (const [, clause, imported] of text.matchAll(/^(?:import|export) ([^;]*?) from '(\.[^']+)';$/gm))
    if (!clause!.startsWith('type ')) sourcesOf(join(dirname(path), imported!), found);
  return found;
}
