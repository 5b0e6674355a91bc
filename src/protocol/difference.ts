import { sameItems } from '../lib/memo.ts';

/** Turns one list into another. Most of a list of thousands stays the same. */
export interface Difference<T> {
  /** Positions in the old list, ascending. */
  readonly removed: readonly number[];
  /** Positions in the new list, ascending. */
  readonly added: readonly { readonly at: number; readonly item: T }[];
}

/** Compares items by identity. Undefined if the difference would be no shorter than the complete list. */
export function differenceOf<T>(before: readonly T[], after: readonly T[]): Difference<T> | undefined {
  const [old, present] = [new Set(before), new Set(after)];
  const removed = [...before.keys()].filter((at) => !present.has(before[at]!));
  const added = [...after.entries()].filter(([, item]) => !old.has(item)).map(([at, item]) => ({ at, item }));
  const isLong = removed.length + added.length > after.length / 2;
  // Undefined too if the common items are in a different order.
  return isLong || !sameItems(applyDifference(before, { removed, added }), after) ? undefined : { removed, added };
}

/** The result contains undefined if the difference does not apply to this list. */
export function applyDifference<T>(before: readonly T[], { removed, added }: Difference<T>): T[] {
  const gone = new Set(removed);
  const kept = before.filter((_, at) => !gone.has(at)).values();
  const inserted = new Map(added.map(({ at, item }) => [at, item]));
  const length = before.length - gone.size + inserted.size;
  return Array.from({ length }, (_, at) => inserted.get(at) ?? kept.next().value!);
}
