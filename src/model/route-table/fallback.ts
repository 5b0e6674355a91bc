import { fallbackUpstream } from '../features/fallback.ts';
import type { Route, RouteOptions } from '../route.ts';
import type { Upstream } from '../upstream.ts';

/** The fallback that answers in place of services without tasks; undefined if there is none, or a label closes the route. */
export function idleFallback([oldest]: readonly Route[]): Upstream | undefined {
  const { backend, options } = oldest!;
  const isIdle = backend.kind === 'unavailable' && backend.isIdle;
  return isIdle && options.fallback ? fallbackUpstream(options.fallback) : undefined;
}

/** How requests reach a fallback: as the client sent them, over HTTP. What protects the service still applies. */
export function fallbackOptions(options: RouteOptions): RouteOptions {
  const { fallback, mirror, backendPath, upstreamHost, cookiePath, retries, ...others } = options;
  return { ...others, rewrite: false, protocol: 'http', backendCa: '', backendName: '', affinity: { kind: 'none' } };
}
