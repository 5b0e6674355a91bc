import { once } from 'node:events';
import { watch } from 'chokidar';
import type { Logger } from '../lib/logger.ts';
import { TemplateSource } from '../render/template-source.ts';
import { readTemplates } from '../template-folder/read-templates.ts';

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
