import { memoize } from '../../lib/memo.ts';
import { streamsRequests } from '../../model/features/buffering.ts';
import { clientVerification } from '../../model/features/cors.ts';
import { featureServerBlocks, featureViews } from '../../model/features/features.ts';
import { encodePath } from '../../model/path.ts';
import { pathKind } from '../../model/path-pattern.ts';
import type { Maintenance } from '../../model/route.ts';
import { leadsToTls } from '../../model/route-table/location.ts';
import type { Location, VirtualServer } from '../../model/route-table/table.ts';
import { grpcErrors, locationErrorCodes } from '../errors.ts';
import { sharedRequestHeaders, toChangedView } from '../request-headers.ts';
import { AgainViews, FIRST_AGAIN } from './again.ts';
import { bodyLimits, toChoiceView, tooLarge } from './choice-views.ts';
import { choicesOf, NOBODY, NOWHERE } from './choices.ts';
import type { LocationContext } from './location-context.ts';
import { matchersOf } from './location-matchers.ts';
import { toMaintenanceView } from './maintenance.ts';
import { toMirrorView } from './mirrors.ts';
import { isApplying, toApplying, toNowhereView, toRedirectView } from './redirects.ts';
import { factsOf } from './table.ts';
import { type TargetView, toErrorPagesView, toFallbackView, toTargetView } from './targets.ts';

interface Located
  extends Pick<VirtualServer, 'locations'>,
    Partial<Pick<VirtualServer, 'maintenance' | 'pathRedirects'>> {}

export function toLocationViews({ locations, maintenance, pathRedirects = [] }: Located, context: LocationContext) {
  const again = new AgainViews();
  const blocks = serverBlocks(locations, context);
  const shared = sharedRequestHeaders(locations, context.repeated);
  const inner = shared === undefined ? context : { ...context, repeated: undefined };
  const redirects = pathRedirects.map((redirect) => toApplying(redirect, context)).filter(isApplying);
  const redirected = new Set(redirects.map(({ path }) => path));
  const special = locations.filter(({ path }) => pathKind(path) !== 'prefix');
  const choices = choicesOf(locations, context.isTrusting);
  const limits = bodyLimits(choices, context);
  const viewAt = memoize((location: Location) => {
    const choice = choices.byPath.get(location.path);
    return choice ? toChoiceView(choice, limits, context) : toLocationView(location, inner, again);
  });
  const list = [
    ...redirects.flatMap((redirect) => {
      const { path, location } = redirect;
      const view = location ? viewAt(location) : toNowhereView(maintenance);
      return matchersOf(path, special).map((matcher) => {
        if (matcher.instead) return { ...viewAt(matcher.instead), ...NO_REDIRECT, ...matcher };
        return { ...view, ...matcher, ...toRedirectView(redirect, matcher.exact) };
      });
    }),
    ...locations
      .filter(({ path }, n) => !redirected.has(path) && path !== locations[n - 1]?.path)
      .flatMap((location) => {
        const view = { ...viewAt(location), ...NO_REDIRECT };
        return matchersOf(location.path, special).map((matcher) => {
          const other = matcher.instead && { ...viewAt(matcher.instead), ...NO_REDIRECT };
          return { ...(other ?? view), ...matcher };
        });
      }),
  ];
  const named = choices.named.map(({ name, location, serviceCookie }) => ({
    ...toLocationView(location, inner, again, serviceCookie),
    ...NO_REDIRECT,
    name,
    tooLarge: tooLarge(location, limits, context),
  }));
  return {
    requestHeaders: shared,
    list,
    named,
    unmatched: choices.leadsNowhere ? NOWHERE : undefined,
    unavailable: choices.leadsToNobody ? NOBODY : undefined,
    again: again.all,
    paged: again.paged,
    fallbacks: again.fallbacks,
    blocks,
    mirrors: context.handlesErrors ? mirrorViews(locations, inner) : [],
    errorCodes: locationErrorCodes,
    grpcStatuses: context.handlesErrors && [...list, ...named].some(({ isGrpc }) => isGrpc) ? grpcErrors : [],
    hasRoot: [...locations, ...redirects].some(({ path }) => path === ''),
    isEmpty: locations.length === 0,
  };
}

const NO_REDIRECT = { redirect: undefined, isRedirected: false };

function mirrorViews(locations: readonly Location[], { repeated }: LocationContext) {
  const all = locations
    .filter(({ upstream }) => upstream !== undefined)
    .flatMap((location) => toMirrorView(location, repeated) ?? []);
  return [...new Map(all.map((view) => [view.id, view])).values()];
}

function serverBlocks(locations: readonly Location[], { repeated, handlesErrors }: LocationContext) {
  const all = locations
    .filter(({ upstream }) => upstream !== undefined)
    .flatMap((location) => featureServerBlocks(location.options, factsOf(location)))
    .filter(({ forErrors }) => handlesErrors || !forErrors);
  return [...new Map(all.map((block) => [block.key, block])).values()].map((block) => ({
    ...block,
    requestHeaders: toChangedView(block.requestHeaders, repeated),
  }));
}

function toLocationView(location: Location, context: LocationContext, views: AgainViews, serviceCookie?: string) {
  const { handlesErrors, isTrusting, namesService, httpsPort } = context;
  const isSecure = httpsPort === undefined;
  const requiresClient = location.options.clientCertificate === 'required';
  // Does not redirect to HTTPS if HTTPS cannot answer either.
  const sslOnly = !isSecure && leadsToTls(location);
  // A trusted balancer may have ended TLS. Clients that must present a certificate here cannot have presented it there.
  const passesSecure = sslOnly && isTrusting && !requiresClient;
  const forwards = location.upstream !== undefined && (!sslOnly || passesSecure);
  const target = { ...toTargetView(location, context, forwards), serviceCookie };
  return {
    ...target,
    service: namesService ? location.services[0] : undefined,
    routePath: location.path === '' ? undefined : encodePath(location.path),
    first: featureViews(location.options, factsOf(location), { first: true }),
    // gRPC requests are not buffered.
    ...(handlesErrors && forwards && !target.isGrpc ? toForwardView(target, location, context, views) : undefined),
    streamsRequests: streamsRequests(location.options.buffering),
    errorCodes: locationErrorCodes,
    grpcErrors: handlesErrors ? grpcErrors : [],
    ...toMaintenanceView(maintenanceOf(location, sslOnly), target.isGrpc && handlesErrors),
    httpsPort,
    clientHost: isTrusting ? '$client_host' : '$host',
    sslOnly,
    passesSecure,
    // Otherwise a balancer that ends TLS would be redirected to HTTPS endlessly.
    refusesSecure: sslOnly && isTrusting && requiresClient,
    needsClient: isSecure && requiresClient,
    clientVerify: clientVerification(location.options),
    isPending: location.isPending,
    choice: undefined,
    tooLarge: undefined,
  };
}

/** How a location forwards requests that can be repeated. */
function toForwardView(
  target: TargetView & { readonly serviceCookie: string | undefined },
  location: Location,
  context: LocationContext,
  views: AgainViews,
) {
  const { options } = location;
  const pages = toErrorPagesView(options);
  const fallback = toFallbackView(location, context);
  const mirror = toMirrorView(location, context.repeated)?.id;
  if (pages !== undefined) {
    const forwarding = { ...target, features: checked(target.features), errorPages: [], pages, mirror };
    const checks = featureViews(options, factsOf(location), { checks: true });
    return { paged: views.pagedName(forwarding, fallback), checks };
  }
  const again = views.nameOf(target, fallback);
  const hasOwnErrors = again !== FIRST_AGAIN || target.errorPages.length > 0;
  return { again, mirror, hasOwnErrors, againSuffix: again.slice(FIRST_AGAIN.length) };
}

function checked(features: readonly object[]): readonly object[] {
  return features.map((fields) => ({ ...fields, isChecked: true }));
}

/** Without an upstream, maintenance admits no clients. */
function maintenanceOf({ maintenance, upstream }: Location, sslOnly: boolean): Maintenance | undefined {
  return maintenance && upstream === undefined && !sslOnly ? { ...maintenance, allow: [] } : maintenance;
}
