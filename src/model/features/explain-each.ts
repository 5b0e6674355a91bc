import { beginningOf, type LabelFamily } from '../labels/label.ts';
import type { Explained } from './feature.ts';

/** A sentence for each label of a family. */
export function explainEach(
  family: LabelFamily,
  named: readonly (readonly [name: string, value: string])[],
  explain: (name: string, value: string) => string,
): Explained {
  return Object.fromEntries(named.map(([name, value]) => [beginningOf(family) + name, explain(name, value)]));
}
