import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Reads one file at a time: all of them together take megabytes for thousands of services. */
export async function* configurationsIn(folder: string) {
  for (const name of await readdir(folder)) {
    const path = join(folder, name);
    if (name.endsWith('.conf')) yield { name, path, text: await readFile(path, 'utf8') };
  }
}
