// node strip-types.js <from> <to>: removes the types from TypeScript, so that the runtime does not have to.
import { globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { dirname, join } from 'node:path';

const [from, to] = process.argv.slice(2);
for (const name of globSync('**/*.ts', { cwd: from })) {
  const text = stripTypeScriptTypes(readFileSync(join(from, name), 'utf8'));
  const path = join(to, name.replace(/\.ts$/, '.js'));
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text.replaceAll(/(from |import |import\()'(\.[^']+)\.ts'/g, "$1'$2.js'"));
}
