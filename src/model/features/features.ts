import type { z } from 'zod';
import { digest } from '../../lib/digest.ts';
import { memoize } from '../../lib/memo.ts';
import type { LabelDefinition } from '../labels/label.ts';
import type { LabelReader } from '../labels/label-reader.ts';
import { matchKey } from '../match.ts';
import type { Route } from '../route.ts';
import { toUpstream, type Upstream } from '../upstream.ts';
import { features } from './all-features.ts';
import { isGrpc, protocolOf } from './backend-protocol.ts';
import { contextRootRewriteLabels } from './context-root-rewrite.ts';
import {
  type Definition,
  type Feature,
  type HeaderChange,
  type LocationFacts,
  type RenderedLocation,
  type ServerBlock,
  type Surroundings,
  stages,
} from './feature.ts';

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

/** A table of labels may have any key for the compiler, besides those that it names. */
type Named<Labels> = { readonly [Name in keyof Labels as string extends Name ? never : Name]: Labels[Name] };
type LabelTables = { [Name in FeatureName]: (labels: Named<Features[Name]['labels']>) => void }[FeatureName];
type FeatureLabels = LabelTables extends (labels: infer Labels) => void ? Labels : never;

/** In the order of the features. */
export const featureLabels: FeatureLabels = Object.assign({}, ...all.map(([, { labels }]) => labels));

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

/** What a label does to a request. */
export interface Effect {
  /** Name after the prefix. */
  readonly label: string;
  readonly text: string;
}

/** In the order in which a request meets them. */
export function featureEffects(options: FeatureOptions): readonly Effect[] {
  return used('explain', options)
    .toSorted(([a], [b]) => stages.indexOf(a.stage) - stages.indexOf(b.stage))
    .flatMap(([feature, value]) => Object.entries(feature.explain(value)))
    .flatMap(([label, text]) => (text === undefined ? [] : [{ label, text }]));
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

/** Where partials are rendered. */
interface Place {
  /** At the beginning of a location. */
  readonly first?: boolean;
  /** Only those that decide whether requests are forwarded. */
  readonly checks?: boolean;
}

/** The partials to render in a location, with their fields: those at its beginning, or the others. */
export function featureViews(
  options: FeatureOptions,
  location: LocationFacts,
  { first = false, checks = false }: Place = {},
): readonly object[] {
  return used('view', options).flatMap(([feature, value]) => {
    if (first !== (feature.isFirst ?? false) || (checks && !feature.checks)) return [];
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
