import { featureLabels, labelFamilies } from '../features/features.ts';
import { routeLabels } from '../route-labels/route-labels.ts';
import { beginningOf, type LabelDefinition, type LabelFamily } from './label.ts';

/** All labels except families. */
export const labels = { ...routeLabels, ...featureLabels } as const;

export type LabelName = keyof typeof labels | LabelFamily['name'];

/** The definition of a label, or of the family that it belongs to. */
export function definitionOf(name: string): LabelDefinition | LabelFamily | undefined {
  if (Object.hasOwn(labels, name)) return labels[name as keyof typeof labels] as LabelDefinition;
  return labelFamilies.find((family) => name.startsWith(beginningOf(family)));
}

/** UCP 3.0's documentation had `defaul_backend`, so services use it. */
export const labelAliases: Readonly<Record<string, LabelName>> = { defaul_backend: 'default_backend' };
