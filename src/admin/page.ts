import { existsSync } from 'node:fs';
import { serveStatic } from '@hono/node-server/serve-static';
import type { MiddlewareHandler } from 'hono';
import { OIDC_RETURN_PATH } from './known-routes.ts';

/** The page as Vite built it, from a folder; undefined where there is none. */
export function servePage(folder: string): MiddlewareHandler | undefined {
  if (!existsSync(folder)) return undefined;
  const files = serveStatic({
    root: folder,
    // Scripts of the page take the provider's answer from there.
    rewriteRequestPath: (path) => (path === OIDC_RETURN_PATH ? '/index.html' : path),
  });
  return async (context, next) => {
    const answer = await files(context, next);
    // Names of assets have a digest of what is in them; the page itself is asked for anew each time.
    const isAsset = context.req.path.startsWith('/assets/');
    // A file that does not exist is left to the next handler, whose result is no answer of ours.
    if (!(answer instanceof Response)) return undefined;
    answer.headers.set('cache-control', isAsset ? 'max-age=31536000, immutable' : 'no-cache');
    return answer;
  };
}
