import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { documents, withTables } from '../../docs/generate.ts';

it.each(documents)('contains the tables that the code defines: %s', (path) => {
  const text = readFileSync(path, 'utf8');

  expect(text, 'run: npm run docs').toBe(withTables(text));
});
