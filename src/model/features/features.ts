import type { z } from 'zod';
import { digest } from '../../lib/digest.ts';
import { memoize } from '../../lib/memo.ts';
import type { LabelDefinition } from '../labels/label.ts';
import type { LabelReader } from '../labels/label-reader.ts';
import { matchKey } from '../match.ts';
import type { Route } from '../route.ts';
import { toUpstream, type Upstream } from '../upstream.ts';
import { accessLog } from './access-log.ts';
import { addressLists } from './address-lists.ts';
import { affinity } from './affinity.ts';
import { backendCa } from './backend-ca.ts';
import { backendName } from './backend-name.ts';
import { backendPath } from './backend-path.ts';
import { backendProtocol, isGrpc, protocolOf } from './backend-protocol.ts';
import { balance } from './balance.ts';
import { basicAuth } from './basic-auth.ts';
import { bufferingMode } from './buffering.ts';
import { clientCertificate } from './client-certificate.ts';
import { compression } from './compression.ts';
import { connectTimeout } from './connect-timeout.ts';
import { connectionLimit } from './connection-limit.ts';
import { contextRootRewrite, contextRootRewriteLabels } from './context-root-rewrite.ts';
import { cookiePath } from './cookie-path.ts';
import { cors } from './cors.ts';
import { fallback } from './fallback.ts';
import type {
  Definition,
  Feature,
  HeaderChange,
  LocationFacts,
  RenderedLocation,
  ServerBlock,
  Surroundings,
} from './feature.ts';
import { forwardAuth } from './forward-auth.ts';
import { maxBodySize } from './max-body-size.ts';
import { maxConnections } from './max-connections.ts';
import { mirror } from './mirror.ts';
import { rateLimit } from './rate-limit.ts';
import { readTimeout } from './read-timeout.ts';
import { requestHeaders } from './request-headers.ts';
import { responseHeaderSize } from './response-header-size.ts';
import { responseHeaders } from './response-headers.ts';
import { retries } from './retries.ts';
import { securityHeaders } from './security-headers.ts';
import { sslOnly } from './ssl-only.ts';
import { stickyCookie } from './sticky-cookie.ts';
import { upstreamHost } from './upstream-host.ts';

/** All features, by the option of a location that holds their value, in the order of their text in the configuration. */
const features = {
  rewrite: contextRootRewrite,
  sslOnly,
  protocol: backendProtocol,
  backendCa,
  backendName,
  clientCertificate,
  affinity,
  balance,
  stickyCookie,
  maxConnections,
  fallback,
  mirror,
  accessLog,
  retries,
  addressLists,
  rateLimit,
  connectionLimit,
  basicAuth,
  cors,
  backendPath,
  readTimeout,
  connectTimeout,
  maxBodySize,
  buffering: bufferingMode,
  compress: compression,
  cookiePath,
  upstreamHost,
  requestHeaders,
  // After the other request headers: only the authenticator decides about its own.
  forwardAuth,
  responseHeaderKb: responseHeaderSize,
  securityHeaders,
  // The last one decides about a header.
  responseHeaders,
};

export const featureLabels = {
  ...contextRootRewrite.labels,
  ...affinity.labels,
  ...sslOnly.labels,
  ...backendProtocol.labels,
  ...backendCa.labels,
  ...backendName.labels,
  ...clientCertificate.labels,
  ...accessLog.labels,
  ...balance.labels,
  ...stickyCookie.labels,
  ...maxConnections.labels,
  ...retries.labels,
  ...fallback.labels,
  ...mirror.labels,
  ...addressLists.labels,
  ...rateLimit.labels,
  ...connectionLimit.labels,
  ...basicAuth.labels,
  ...forwardAuth.labels,
  ...cors.labels,
  ...backendPath.labels,
  ...readTimeout.labels,
  ...connectTimeout.labels,
  ...maxBodySize.labels,
  ...bufferingMode.labels,
  ...compression.labels,
  ...cookiePath.labels,
  ...upstreamHost.labels,
  ...responseHeaderSize.labels,
  ...securityHeaders.labels,
  ...responseHeaders.labels,
};

type Features = typeof features;
export type FeatureName = keyof Features;
type ValueOf<Name extends FeatureName> = Features[Name] extends Feature<infer Value> ? Value : never;
type WithDefault = {
  [Name in FeatureName]: Features[Name] extends { readonly hasDefault: true } ? Name : never;
}[FeatureName];

/** Absent: the feature changes nothing. */
export type FeatureOptions = { readonly [Name in WithDefault]: ValueOf<Name> } & {
  readonly [Name in Exclude<FeatureName, WithDefault>]?: ValueOf<Name> | undefined;
};

const all = Object.entries(features) as unknown as readonly (readonly [FeatureName, Feature<unknown>])[];

function ofEach<T>(make: (feature: Feature<unknown>) => T): Record<FeatureName, T> {
  return Object.fromEntries(all.map(([name, feature]) => [name, make(feature)])) as Record<FeatureName, T>;
}

type Part = keyof Feature<unknown>;
type Having<P extends Part> = Feature<unknown> & Required<Pick<Feature<unknown>, P>>;

const havingPart = new Map<Part, typeof all>();

function having(part: Part): typeof all {
  const known = havingPart.get(part) ?? all.filter(([, feature]) => feature[part] !== undefined);
  havingPart.set(part, known);
  return known;
}

/** The features with this part that a location uses, with their values. Most locations use few. */
function used<P extends Part>(part: P, options: FeatureOptions) {
  return having(part).flatMap(([name, feature]) => {
    const value: unknown = options[name];
    return value === undefined ? [] : [[feature as Having<P>, value] as const];
  });
}

export const labelFamilies = all.flatMap(([, feature]) => feature.families ?? []);

/** What is known before features are read. */
interface Known extends Omit<Surroundings, 'isGrpc' | 'strippedPath'> {
  readonly contextRoot: string;
}

export function readFeatures(reader: LabelReader, { contextRoot, ...known }: Known): FeatureOptions {
  const grpc = isGrpc(protocolOf(reader));
  const strips = !grpc && reader.peek(contextRootRewriteLabels.context_root_rewrite);
  const surroundings = { ...known, isGrpc: grpc, strippedPath: strips ? contextRoot : '' };
  const values = all.map(([name, feature]) => [name, feature.read(reader, surroundings)] as const);
  return Object.fromEntries(values.filter(([, value]) => value !== undefined)) as FeatureOptions;
}

/** The labels that conflicts name. */
export const featureConflicts = ofEach(({ conflict }) => conflict) as {
  readonly [Name in FeatureName]: Features[Name]['conflict'];
};

/** The label that decided, of features with several. */
export function decidingLabels(
  options: FeatureOptions,
  isSet: (label: string) => boolean,
): Partial<Record<FeatureName, string>> {
  const decided = having('deciding').map(([name, { deciding }]) => {
    const value = options[name];
    return [name, value === undefined ? undefined : deciding?.(value).find(isSet)] as const;
  });
  return Object.fromEntries(decided.filter(([, label]) => label !== undefined));
}

/** The features whose protection these options demand, but the others do not give. */
export function lackedProtection(demanded: FeatureOptions, given: Partial<FeatureOptions>): readonly FeatureName[] {
  const protectionOf = ({ protection }: Feature<unknown>, value: unknown) =>
    value === undefined ? undefined : JSON.stringify(protection?.(value));
  return having('protection')
    .filter(([name, feature]) => {
      const wanted = protectionOf(feature, demanded[name]);
      return wanted !== undefined && wanted !== protectionOf(feature, given[name]);
    })
    .map(([name]) => name);
}

/** The labels of the features that protect a service. */
export function protectingLabels(options: FeatureOptions): readonly LabelDefinition[] {
  return lackedProtection(options, {}).flatMap((name) => {
    const { labels, conflict }: Pick<Feature<unknown>, 'labels' | 'conflict'> = features[name];
    return labels[conflict] ?? [];
  });
}

/** Fields of the options in messages. */
export const featureMessages = ofEach(({ message, hasDefault }) => (hasDefault ? message : message.optional())) as {
  readonly [Name in FeatureName]: z.ZodType<FeatureOptions[Name]>;
};

export function featureSecrets(options: FeatureOptions): readonly string[] {
  return used('secrets', options).flatMap(([feature, value]) => feature.secrets(value));
}

/** The same options with other names of secrets. */
export function renameFeatureSecrets(options: FeatureOptions, rename: (name: string) => string): FeatureOptions {
  const renamed = having('withSecrets').flatMap(([name, { withSecrets }]) => {
    const value = options[name];
    return value === undefined ? [] : [[name, withSecrets?.(value, rename)] as const];
  });
  return Object.fromEntries(renamed) as FeatureOptions;
}

/** Upper bound for the text that the features add to a location, in bytes. */
export function featureBytes(options: FeatureOptions): number {
  return used('bytes', options).reduce((sum, [feature, value]) => sum + feature.bytes(value), 0);
}

export function featureZoneKb(options: FeatureOptions): number {
  return used('zoneKb', options).reduce((sum, [feature, value]) => sum + feature.zoneKb(value), 0);
}

export function featuresUseDollar(options: FeatureOptions): boolean {
  return used('usesDollar', options).some(([feature, value]) => feature.usesDollar(value));
}

/** Options that change the upstream: only locations with equal values share it. */
export type UpstreamOptions = Pick<FeatureOptions, 'balance' | 'stickyCookie' | 'maxConnections'>;

export function upstreamOptions({ balance, stickyCookie, maxConnections }: UpstreamOptions): UpstreamOptions {
  const all = Object.entries({ balance, stickyCookie, maxConnections });
  return Object.fromEntries(all.filter(([, value]) => value !== undefined));
}

/** Names the oldest service of a location, its path, and its conditions. */
export function locationFacts(service: string, { path, match }: Pick<Route, 'path' | 'match'>): LocationFacts {
  return { id: digest(`${service} ${path}${match === undefined ? '' : ` ${matchKey(match)}`}`) };
}

/** The partials to render in a location, with their fields: those at its beginning, or the others. */
export function featureViews(
  options: FeatureOptions,
  location: LocationFacts,
  { first } = { first: false },
): readonly object[] {
  return used('view', options).flatMap(([feature, value]) => {
    if (first !== (feature.isFirst ?? false)) return [];
    const fields = feature.view(value, location);
    return fields === undefined ? [] : [{ partial: `feature-${feature.partial}`, ...fields }];
  });
}

export const changedRequestHeaders = memoize((options: FeatureOptions): readonly HeaderChange[] =>
  lastOfEach(used('requestHeaders', options).flatMap(([feature, value]) => feature.requestHeaders(value))),
);

export function changedResponseHeaders(options: FeatureOptions): readonly HeaderChange[] {
  return lastOfEach(used('responseHeaders', options).flatMap(([feature, value]) => feature.responseHeaders(value)));
}

/** Names of headers are case-insensitive. */
function lastOfEach(changes: readonly HeaderChange[]): readonly HeaderChange[] {
  return [...new Map(changes.map((change) => [change.name.toLowerCase(), change])).values()];
}

/** Upstreams that the location asks besides its service. */
export function featureUpstreams(options: FeatureOptions): readonly Upstream[] {
  return used('peers', options).flatMap(
    ([feature, value]) => toUpstream(feature.peers(value), { kind: 'none' }, feature.connection?.(value)) ?? [],
  );
}

export function featureErrorPages(options: FeatureOptions, location: RenderedLocation): readonly string[] {
  return used('errorPages', options).flatMap(([feature, value]) => feature.errorPages(value, location));
}

export function featureDefinitions(options: FeatureOptions, location: LocationFacts): readonly Definition[] {
  return used('definitions', options).flatMap(([feature, value]) => feature.definitions(value, location));
}

export function featureServerBlocks(options: FeatureOptions, location: LocationFacts): readonly ServerBlock[] {
  return used('serverBlocks', options).flatMap(([feature, value]) => feature.serverBlocks(value, location));
}
