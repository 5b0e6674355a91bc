import { createHash } from 'node:crypto';
import { existsSync, globSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** Digest of files and folders (paths, modes and contents) and of additional strings. Missing paths are skipped. */
export function digestOf(root: string, paths: readonly string[], words: readonly string[] = []): string {
  const hash = createHash('sha256').update(JSON.stringify(words));
  for (const path of paths.flatMap((entry) => filesBelow(root, entry)).toSorted()) {
    const file = join(root, path);
    hash.update(`\0${path}\0${statSync(file).mode & 0o111}\0`).update(readFileSync(file));
  }
  return hash.digest('hex').slice(0, 12);
}

function filesBelow(root: string, path: string): string[] {
  const full = join(root, path);
  if (!existsSync(full)) return [];
  if (statSync(full).isFile()) return [path];
  return globSync('**/*', { cwd: full, withFileTypes: false })
    .map((name) => join(path, name))
    .filter((name) => statSync(join(root, name)).isFile());
}
