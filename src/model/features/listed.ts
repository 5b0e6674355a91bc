import { beginningOf, type LabelFamily } from '../labels/label.ts';
import type { Explained } from './feature.ts';

const MOST = 8;

/** `a, b and c`; of a long list, the first words and the number of the others. */
export function listed(words: readonly string[], conjunction: 'and' | 'or' = 'and'): string {
  const shown = words.length > MOST ? [...words.slice(0, MOST), `${words.length - MOST} more`] : words;
  if (shown.length < 2) return shown.join();
  return `${shown.slice(0, -1).join(', ')} ${conjunction} ${shown.at(-1)}`;
}

/** `1 request`, `2 requests` */
export function counted(number: number, one: string): string {
  return `${number} ${number === 1 ? one : `${one}s`}`;
}

/** A sentence for each label of a family. */
export function explainEach(
  family: LabelFamily,
  named: readonly (readonly [name: string, value: string])[],
  explain: (name: string, value: string) => string,
): Explained {
  return Object.fromEntries(named.map(([name, value]) => [beginningOf(family) + name, explain(name, value)]));
}
