import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { watch } from 'chokidar';
import type { Logger } from '../lib/logger.ts';
import type { Templates } from '../render/nginx.ts';
import { TemplateSource } from '../render/template-source.ts';

/** Reads the templates of a folder, by name without extension. */
export function readTemplates(folder: string): Templates {
  const files = readdirSync(folder).filter((file) => file.endsWith('.hbs'));
  return Object.fromEntries(files.map((file) => [basename(file, '.hbs'), readFileSync(join(folder, file), 'utf8')]));
}

/** Follows edits of a folder. Templates that do not compile are logged, and the last valid ones stay in use. */
export async function watchTemplates(folder: string, logger: Logger, signal: AbortSignal): Promise<TemplateSource> {
  const source = new TemplateSource(readTemplates(folder));
  const watcher = watch(folder, {
    ignoreInitial: true,
    awaitWriteFinish: { stabilityThreshold: 100, pollInterval: 50 },
  });
  watcher.on('all', () => {
    try {
      source.replace(readTemplates(folder));
      logger.info({ version: source.version }, 'Templates changed');
    } catch (error) {
      logger.warn({ reason: (error as Error).message }, 'Templates do not compile; the last valid ones stay in use');
    }
  });
  signal.addEventListener('abort', () => watcher.close(), { once: true });
  await once(watcher, 'ready');
  return source;
}
