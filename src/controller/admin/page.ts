import { existsSync } from 'node:fs';
import { serveStatic } from '@hono/node-server/serve-static';
import type { MiddlewareHandler } from 'hono';
import { OIDC_RETURN_PATH } from './known-routes.ts';

/** Serves the page that Vite built from a folder; undefined if the folder does not exist. */
export function servePage(folder: string): MiddlewareHandler | undefined {
  if (!existsSync(folder)) return undefined;
  const files = serveStatic({
    root: folder,
    // The page's scripts read the provider's response from the URL.
    rewriteRequestPath: (path) => (path === OIDC_RETURN_PATH ? '/index.html' : path),
  });
  return async (context, next) => {
    const answer = await files(context, next);
    // Names of assets contain a digest of their content. Browsers revalidate the page itself on each request.
    const isAsset = context.req.path.startsWith('/assets/');
    // The next handler responds if the file does not exist.
    if (!(answer instanceof Response)) return undefined;
    answer.headers.set('cache-control', isAsset ? 'max-age=31536000, immutable' : 'no-cache');
    return answer;
  };
}
