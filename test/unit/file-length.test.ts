import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { project } from '../../bed/places.ts';

const MOST_LINES = 300;

/** Files that may be longer, and why. */
const longer: Readonly<Record<string, string>> = {
  'controller/admin/operations.ts': 'a table: the operations of the administration API',
  'model/settings/keys.ts': 'a table: the keys of the settings',
};

const src = join(project, 'src');
const lengths = globSync('**/*.{ts,tsx}', { cwd: src })
  .toSorted()
  .map((file) => ({ file, lines: readFileSync(join(src, file), 'utf8').split('\n').length - 1 }));
const long = lengths.filter(({ lines }) => lines > MOST_LINES);

describe('the files of src', () => {
  it(`have at most ${MOST_LINES} lines, except tables`, () => {
    const unexpected = long.filter(({ file }) => longer[file] === undefined);
    expect(unexpected.map(({ file, lines }) => `${file}: ${lines} lines`)).toEqual([]);
  });

  it('are not listed as exceptions without need', () => {
    const files = long.map(({ file }) => file);
    expect(Object.keys(longer).filter((file) => !files.includes(file))).toEqual([]);
  });
});
