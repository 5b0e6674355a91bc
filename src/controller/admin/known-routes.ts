import type { MiddlewareHandler } from 'hono';
import { type Operation, operations } from './operations.ts';
import { Refusal } from './problem-details.ts';

const routes = Object.entries(operations).map(([path, methods]) => ({
  pattern: new RegExp(`^${path.replaceAll('.', '\\.').replaceAll(/\{(\w+)\}/g, '(?<$1>[^/]+)')}$`),
  methods,
  allowed: Object.entries(methods).flatMap(([method, { answer }]) =>
    // HEAD would start an event stream without a reader.
    method === 'get' && answer !== 'text/event-stream' ? ['GET', 'HEAD'] : [method.toUpperCase()],
  ),
}));

const OF_THE_API = /^\/(?:api|auth|healthz|metrics)(?:\/|$)/;
const OF_THE_PAGE = /^\/(?:$|index\.html$|assets\/)/;
/** Path that an OpenID provider redirects the browser to. It serves the page. */
export const OIDC_RETURN_PATH = '/auth/oidc/return';

/** Rejects unknown paths and methods before any other handler. Only routes in the API description exist. */
export function onlyKnownRoutes(hasPage: boolean): MiddlewareHandler {
  return async ({ req: { path, method } }, next) => {
    const allowed = allowedMethods(path, hasPage);
    if (allowed === undefined) throw new Refusal(404, 'Not found', `Unknown path ${path}.`);
    if (!allowed.includes(method)) {
      const allow = allowed.join(', ');
      throw new Refusal(405, 'Method not allowed', `${path} accepts ${allow}.`, { allow });
    }
    await next();
  };
}

/** The described operation of a request, and its path parameters. */
export function describedOperation(
  path: string,
  method: string,
): { readonly operation: Operation; readonly values: Readonly<Record<string, string>> } | undefined {
  const route = routes.find(({ pattern }) => pattern.test(path));
  const operation = route?.methods[method === 'HEAD' ? 'get' : method.toLowerCase()];
  if (route === undefined || operation === undefined) return undefined;
  return { operation, values: { ...route.pattern.exec(path)?.groups } };
}

function allowedMethods(path: string, hasPage: boolean): readonly string[] | undefined {
  if (path === OIDC_RETURN_PATH) return hasPage ? ['GET', 'HEAD'] : undefined;
  const route = routes.find(({ pattern }) => pattern.test(path));
  if (route !== undefined || OF_THE_API.test(path)) return route?.allowed;
  return hasPage && OF_THE_PAGE.test(path) ? ['GET', 'HEAD'] : undefined;
}
