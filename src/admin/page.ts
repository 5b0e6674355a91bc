import { existsSync } from 'node:fs';
import { serveStatic } from '@hono/node-server/serve-static';
import type { MiddlewareHandler } from 'hono';

/** The page as Vite built it, from a folder; undefined where there is none. */
export function servePage(folder: string): MiddlewareHandler | undefined {
  return existsSync(folder) ? serveStatic({ root: folder }) : undefined;
}
