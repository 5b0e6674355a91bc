import { isGrpc, isTls } from '../../model/features/backend-protocol.ts';
import { errorPagesId } from '../../model/features/error-pages.ts';
import { fallbackUpstream, fallbackVariable } from '../../model/features/fallback.ts';
import { changedResponseHeaders, featureErrorPages, featureViews } from '../../model/features/features.ts';
import { encodePath, pathBytes } from '../../model/path.ts';
import type { RouteOptions } from '../../model/route.ts';
import { fallbackOptions } from '../../model/route-table/fallback.ts';
import { strippedRoot } from '../../model/route-table/location.ts';
import type { Location } from '../../model/route-table/table.ts';
import { toChange, toRequestHeadersView } from '../request-headers.ts';
import type { LocationContext } from './location-context.ts';
import { factsOf } from './table.ts';

/** The location of the fallback for requests that no task receives. */
export function toFallbackView(location: Location, context: LocationContext) {
  const { fallback } = location.options;
  const upstream = fallback && fallbackUpstream(fallback);
  if (upstream === undefined) return undefined;
  const options = fallbackOptions(location.options);
  const view = toTargetView({ ...location, options, upstream: `$${fallbackVariable(upstream)}` }, context, true);
  // The request has been in the location of the service.
  const isStripped = strippedRoot(location) !== undefined;
  return { ...view, prefix: '', serviceCookie: undefined, isStripped, pages: toErrorPagesView(location.options) };
}

export type ErrorPagesView = NonNullable<ReturnType<typeof toErrorPagesView>>;

/** Undefined if errors of the application have no pages of a service. */
export function toErrorPagesView({ errorPages }: RouteOptions) {
  const id = errorPages && errorPagesId(errorPages);
  return id === undefined ? undefined : { id, statuses: errorPages!.statuses.join(' ') };
}

export type TargetView = ReturnType<typeof toTargetView>;

const SCHEMES = { http: 'http', https: 'https', h2c: 'http', grpc: 'grpc', grpcs: 'grpcs' } as const;

export function toTargetView(location: Location, context: LocationContext, forwards: boolean) {
  const { readTimeout, hidden, repeated, handlesErrors } = context;
  const { path, options, upstream } = location;
  const { protocol, backendCa, backendName } = options;
  const root = strippedRoot({ path, options });
  return {
    upstream,
    backendCa,
    backendName,
    readTimeout: options.readTimeout ?? readTimeout,
    limitsBody: options.maxBodySize !== undefined,
    errorPages: forwards
      ? featureErrorPages(options, { ...factsOf(location), isGrpc: isGrpc(protocol), handlesErrors })
      : [],
    features: featureViews(options, factsOf(location)),
    requestHeaders: toRequestHeadersView(location, repeated),
    responseHeaders: toResponseHeadersView(options, hidden),
    // Text, because the template engine takes the number 0 for nothing.
    strip: root === undefined ? undefined : String(pathBytes(root)),
    strippedPrefix: encodePath(root ?? ''),
    backendPath: options.backendPath === undefined ? undefined : encodePath(options.backendPath),
    prefix: encodePath(path),
    scheme: SCHEMES[protocol],
    isGrpc: isGrpc(protocol),
    isH2c: protocol === 'h2c',
    isTls: isTls(protocol),
  };
}

/** Undefined if the location inherits what it hides and adds. nginx inherits no hidden header if a location hides one. */
function toResponseHeadersView(options: RouteOptions, hidden: readonly string[]) {
  const changes = changedResponseHeaders(options);
  if (changes.length === 0) return undefined;
  const replaced = changes.filter(({ keepsOwn }) => !keepsOwn).map(({ name }) => name);
  const set = changes.filter(({ text, variable }) => text || variable).map(toChange);
  return { hidden: replaced.length === 0 ? [] : [...hidden, ...replaced], set };
}
