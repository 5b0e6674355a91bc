import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { z } from 'zod';
import { project } from '../../../bed/places.ts';

const folder = join(project, 'src/protocol');
/** These define the types of the messages themselves. */
const own = ['acme-messages.ts'];
/** Parts of other messages. */
const parts = ['host', 'backend'];
const files = globSync('*-message{,s}.ts', { cwd: folder }).filter(
  (file) => !own.includes(file) && file !== 'take-message.ts',
);

it.each(files)('the compiler checks that each message of %s is complete', async (file) => {
  const checked = readFileSync(join(folder, 'complete.ts'), 'utf8');
  const exported: Record<string, unknown> = await import(join(folder, file));

  const messages = Object.keys(exported).filter((name) => exported[name] instanceof z.ZodType && !parts.includes(name));

  expect(messages).not.toEqual([]);
  expect(messages.filter((name) => !new RegExp(`Assert<.*\\b${name}\\b`).test(checked))).toEqual([]);
});
