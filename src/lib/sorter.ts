export type Sorter<T> = (items: readonly T[]) => readonly T[];

/**
 * Sorts lists that are nearly the same each time: what was in the last one is in order already. Items are told apart by identity, and the
 * comparison must leave no ties, or the order would depend on what came before. The same items give the same list.
 */
export function createSorter<T>(compare: (a: T, b: T) => number): Sorter<T> {
  let last: readonly T[] = [];
  return (items) => {
    const added = new Set(items);
    const kept = last.filter((item) => added.delete(item));
    if (added.size > 0 || kept.length < last.length) last = merge(kept, [...added].toSorted(compare), compare);
    return last;
  };
}

function merge<T>(kept: T[], added: readonly T[], compare: (a: T, b: T) => number): T[] {
  if (added.length === 0) return kept;
  const merged: T[] = [];
  let position = 0;
  for (const item of added) {
    while (position < kept.length && compare(kept[position]!, item) <= 0) merged.push(kept[position++]!);
    merged.push(item);
  }
  for (; position < kept.length; position++) merged.push(kept[position]!);
  return merged;
}
