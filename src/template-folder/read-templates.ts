import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { Templates } from '../render/nginx.ts';

/** Reads the templates of a folder, by name without extension. */
export function readTemplates(folder: string): Templates {
  const files = readdirSync(folder).filter((file) => file.endsWith('.hbs'));
  return Object.fromEntries(files.map((file) => [basename(file, '.hbs'), readFileSync(join(folder, file), 'utf8')]));
}
