import type { z } from 'zod';
import type { LabelReader } from '../label-reader.ts';
import type { Feature, LocationFacts } from './feature.ts';
import { responseHeaderSize } from './response-header-size.ts';
import { responseHeaders } from './response-headers.ts';

/** All features, by the option of a location that holds their value, in the order of their text in the configuration. */
const features = { responseHeaderKb: responseHeaderSize, responseHeaders };

export const featureLabels = { ...responseHeaderSize.labels, ...responseHeaders.labels };

type Features = typeof features;
export type FeatureName = keyof Features;
export type FeatureOptions = {
  readonly [Name in FeatureName]: Features[Name] extends Feature<infer Value> ? Value : never;
};

const all = Object.entries(features) as unknown as readonly (readonly [FeatureName, Feature<unknown>])[];

function ofEach<T>(make: (feature: Feature<unknown>) => T): Record<FeatureName, T> {
  return Object.fromEntries(all.map(([name, feature]) => [name, make(feature)])) as Record<FeatureName, T>;
}

export const labelFamilies = all.flatMap(([, feature]) => feature.families ?? []);

/** The options of a service without labels. */
export const noFeatures = ofEach(({ message }) => message.parse(undefined)) as FeatureOptions;

export function readFeatures(reader: LabelReader): FeatureOptions {
  return ofEach((feature) => feature.read(reader)) as FeatureOptions;
}

/** The labels that conflicts name. */
export const featureConflicts = ofEach(({ conflict }) => conflict) as {
  readonly [Name in FeatureName]: Features[Name]['conflict'];
};

/** Fields of the options in messages. */
export const featureMessages = ofEach(({ message }) => message) as {
  readonly [Name in FeatureName]: z.ZodType<FeatureOptions[Name]>;
};

/** Upper bound for the text that the features add to a location, in bytes. */
export function featureBytes(options: FeatureOptions): number {
  return all.reduce((sum, [name, feature]) => sum + feature.bytes(options[name]), 0);
}

export function featuresUseDollar(options: FeatureOptions): boolean {
  return all.some(([name, { usesDollar }]) => usesDollar?.(options[name]));
}

/** The partials to render in a location, with their fields. */
export function featureViews(options: FeatureOptions, location: LocationFacts): readonly object[] {
  return all.flatMap(([name, { partial, view }]) => {
    const fields = view(options[name], location);
    return fields === undefined ? [] : [{ partial: `feature-${partial}`, ...fields }];
  });
}
