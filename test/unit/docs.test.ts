import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { documents, problemKinds, problemSections, withTables } from '../../docs/generate.ts';

it.each(documents)('contains the tables that the code defines: %s', (path) => {
  const text = readFileSync(path, 'utf8');

  expect(text, 'run: npm run docs').toBe(withTables(text));
});

describe('kinds of problems', () => {
  it('are all exported, so that they are documented', async () => {
    const root = join(import.meta.dirname, '../..');
    const defined = globSync('src/**/*.ts', { cwd: root }).flatMap(
      (path) => readFileSync(join(root, path), 'utf8').match(/= problemKind\(\{/g) ?? [],
    );

    expect((await problemKinds()).length).toBe(defined.length);
  });

  it('have ids of their own', async () => {
    const ids = (await problemKinds()).map(({ definition }) => definition.id);

    expect(new Set(ids).size).toBe(ids.length);
    for (const id of ids) expect(id).toMatch(/^[a-z]+(?:-[a-z]+)*$/);
  });

  it('are documented with the text that users see', async () => {
    const kinds = await problemKinds();
    const missing = kinds.find(({ definition }) => definition.id === 'network-missing')!;

    expect(problemSections([missing])).toBe(`## network-missing

**Warning.** A network in the settings does not exist. The proxies join it as soon as it does.

> \`Extensions.default.Networks "apps"\` network apps does not exist

Fix: Create it: docker network create --driver overlay apps`);
  });

  it('are in every message of the golden cases', async () => {
    const ids = new Set((await problemKinds()).map(({ definition }) => definition.id));
    const root = join(import.meta.dirname, '../golden');
    const shown = globSync('*/problems.json', { cwd: root }).flatMap(
      (path) => JSON.parse(readFileSync(join(root, path), 'utf8')) as { readonly id: string }[],
    );

    expect(shown.filter(({ id }) => !ids.has(id))).toEqual([]);
  });
});
