import { execFileSync } from 'node:child_process';
import { existsSync, globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { parseAst } from 'vite';
import { beforeAll, expect, it } from 'vitest';
import { project } from '../../bed/places.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'signalbox-'));
  execFileSync(process.execPath, ['docker/strip-types.js', 'src', folder], { cwd: project, stdio: 'ignore' });
  return () => rmSync(folder, { recursive: true });
});

/** As a parser finds them, in declarations and in `import()`. */
function importsOf(code: string): string[] {
  const found: string[] = [];
  JSON.stringify(parseAst(code), (key, node) => {
    if (key === 'source' && typeof node?.value === 'string') found.push(node.value);
    return typeof node === 'bigint' ? undefined : node;
  });
  return found;
}

it('names the files of the images in every import', () => {
  const files = globSync('**/*.js', { cwd: folder });
  const imports = files.flatMap((file) =>
    importsOf(readFileSync(join(folder, file), 'utf8')).map((specifier) => ({ file, specifier })),
  );
  const relative = imports.filter(({ specifier }) => specifier.startsWith('.'));
  const missing = relative.filter(({ file, specifier }) => !existsSync(join(folder, dirname(file), specifier)));

  expect(files.length).toBe(globSync('**/*.ts', { cwd: join(project, 'src') }).length);
  expect(relative.length).toBeGreaterThan(files.length);
  expect(missing).toEqual([]);
});
