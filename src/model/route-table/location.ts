import { isGrpc } from '../features/backend-protocol.ts';
import { requiresTls } from '../features/ssl-only.ts';
import { pathKind } from '../path-pattern.ts';
import type { Location } from './table.ts';

/** Requests over HTTP are redirected to HTTPS, unless HTTPS could not answer either. */
export function leadsToTls({ options, upstream, isHandedOn }: Location): boolean {
  return requiresTls(options) && (upstream !== undefined || isHandedOn);
}

/**
 * The part of the path that the application does not receive: the context root, or nothing in front of the rest if a
 * backend path is put there. Undefined if it receives the path unchanged, as for gRPC, whose paths are method names.
 */
export function strippedRoot({ path, options }: Pick<Location, 'path' | 'options'>): string | undefined {
  if (isGrpc(options.protocol)) return undefined;
  if (options.rewrite && path !== '' && pathKind(path) === 'prefix') return path;
  return options.backendPath === undefined ? undefined : '';
}
