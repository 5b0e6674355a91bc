import { sameItems } from '../lib/memo.ts';

/** What makes one list of another. Most of a list of thousands is the same from one time to the next. */
export interface Difference<T> {
  /** Positions in the list before, ascending. */
  readonly removed: readonly number[];
  /** Positions in the list after, ascending. */
  readonly added: readonly { readonly at: number; readonly item: T }[];
}

/** Items are told apart by identity. Undefined where saying the whole list is no longer than saying what differs. */
export function differenceOf<T>(before: readonly T[], after: readonly T[]): Difference<T> | undefined {
  const [old, present] = [new Set(before), new Set(after)];
  const removed = [...before.keys()].filter((at) => !present.has(before[at]!));
  const added = [...after.entries()].filter(([, item]) => !old.has(item)).map(([at, item]) => ({ at, item }));
  const isLong = removed.length + added.length > after.length / 2;
  // What is in both lists may stand in another order.
  return isLong || !sameItems(applyDifference(before, { removed, added }), after) ? undefined : { removed, added };
}

/** Holds undefined where the difference is not one to this list. */
export function applyDifference<T>(before: readonly T[], { removed, added }: Difference<T>): T[] {
  const gone = new Set(removed);
  const kept = before.filter((_, at) => !gone.has(at)).values();
  const inserted = new Map(added.map(({ at, item }) => [at, item]));
  const length = before.length - gone.size + inserted.size;
  return Array.from({ length }, (_, at) => inserted.get(at) ?? kept.next().value!);
}
