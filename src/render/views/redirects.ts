import { pathBytes } from '../../model/path.ts';
import type { Redirect } from '../../model/redirects.ts';
import type { Maintenance } from '../../model/route.ts';
import type { PathRedirect, VirtualServer } from '../../model/route-table/table.ts';
import type { LocationContext } from './location-context.ts';
import { toMaintenanceView } from './maintenance.ts';

interface Applying extends Pick<PathRedirect, 'path' | 'location'> {
  /** For clients of a trusted balancer that use plain HTTP. */
  readonly plain: Redirect | undefined;
  readonly always: Redirect | undefined;
}

export function toApplying(pathRedirect: PathRedirect, { httpsPort, isTrusting }: LocationContext): Applying {
  const { path, location, redirect, secureRedirect } = pathRedirect;
  const isSecure = httpsPort === undefined;
  if (isSecure || (isTrusting && !redirect.secure))
    return { path, location, plain: isSecure ? undefined : redirect, always: secureRedirect };
  return { path, location, plain: undefined, always: redirect };
}

export function isApplying({ plain, always }: Applying): boolean {
  return plain !== undefined || always !== undefined;
}

export function toRedirectView({ path, plain, always, location }: Applying, exact: boolean) {
  const isNowhere = location === undefined;
  const targetOf = (redirect: Redirect | undefined) => {
    if (redirect === undefined) return undefined;
    const { target, status } = redirect;
    return { status, target: exact && new URL(target).pathname === '/' ? `${target}/` : target };
  };
  const length = String(pathBytes(path));
  return {
    isRedirected: always !== undefined || isNowhere,
    redirect: {
      rest: exact ? undefined : length,
      variable: exact ? 'is_args$args' : `rest${length}`,
      plain: targetOf(plain),
      always: targetOf(always),
      isNowhere,
    },
  };
}

/** A location that only redirects. */
export function toNowhereView(maintenance: Maintenance | undefined) {
  return { service: undefined, first: [], isGrpc: false, choice: undefined, ...toMaintenanceView(maintenance) };
}

export function toCanonicalView({ canonical }: VirtualServer, { isTrusting, httpsPort }: LocationContext) {
  if (canonical === undefined) return undefined;
  return {
    host: canonical.host,
    toHttps: canonical.sslOnly && httpsPort !== undefined,
    httpsPort,
    scheme: isTrusting ? '$client_scheme' : '$scheme',
    port: isTrusting ? '$client_port_suffix' : '$is_request_port$request_port',
  };
}
