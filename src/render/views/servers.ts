import { requiresTls } from '../../model/features/ssl-only.ts';
import { hopByHopHeaders } from '../../model/proxy-headers.ts';
import type { VirtualServer } from '../../model/route-table/table.ts';
import { hstsVariable } from '../trusted.ts';
import type { Common } from './common.ts';
import { hiding, type LocationContext } from './location-context.ts';
import { toLocationViews } from './locations.ts';
import { toMaintenanceView } from './maintenance.ts';
import { toCanonicalView } from './redirects.ts';
import { acceptedSites, toTlsView } from './sites.ts';

interface LocationContexts {
  readonly plain: LocationContext;
  readonly secure: LocationContext;
}

/** One host: its listeners, TLS, redirects and locations. */
export function toServerView(server: VirtualServer, common: Common, { plain, secure }: LocationContexts) {
  const { httpListener, httpListener6, tlsListener, tlsListener6, defaultCertificate, handlesErrors, isTrusting } =
    common;
  const { fallbackSite: fallback, defaultNames, folder } = common;
  return {
    httpListener,
    httpListener6,
    tlsListener,
    tlsListener6,
    defaultCertificate,
    handlesErrors,
    answersAlike: answersAlike(server),
    host: server.host,
    thumbprint: server.thumbprint,
    redirect: server.redirect?.target,
    redirectStatus: server.redirect?.status,
    secureRedirect: server.secureRedirect?.target,
    secureRedirectStatus: server.secureRedirect?.status,
    canonical: toCanonicalView(server, plain),
    secureCanonical: toCanonicalView(server, secure),
    redirectsPlain: isTrusting && redirectsPlain(server),
    hidden: hopByHopHeaders,
    hstsVariable: isTrusting && 'hsts' in server.tls && server.tls.hsts ? hstsVariable(server.tls.hsts) : undefined,
    ...toMaintenanceView(server.maintenance),
    ...toTlsView(server.tls, folder, acceptedSites(server, fallback, defaultNames)),
    locations: toLocationViews(server, hiding(plain, server, isTrusting)),
    secureLocations: toLocationViews(server, hiding(secure, server)),
  };
}

/**
 * Then one server listens on both ports: for 10,000 hosts with TLS, nginx loads the configuration in three quarters of
 * the time.
 */
function answersAlike({ tls, redirect, secureRedirect, canonical, pathRedirects, locations }: VirtualServer): boolean {
  const isPlain = tls.kind === 'terminated' && tls.hsts === '' && tls.clientCa === '' && !tls.protocols;
  const isSecured = locations.some(({ options }) => requiresTls(options));
  const redirects = [{ redirect, secureRedirect }, ...pathRedirects];
  return isPlain && !isSecured && !canonical?.sslOnly && redirects.every((one) => one.redirect === one.secureRedirect);
}

/** Whether only plain HTTP requests are redirected, and HTTPS requests are answered. */
function redirectsPlain({ redirect, secureRedirect, maintenance }: VirtualServer): boolean {
  return redirect !== undefined && secureRedirect === undefined && maintenance === undefined;
}
