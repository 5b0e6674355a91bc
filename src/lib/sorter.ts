export type Sorter<T> = (items: readonly T[]) => readonly T[];

/**
 * Sorts lists that are nearly the same each time: the items of the last list are already in order. Items are compared by identity. The comparison
 * must leave no ties, or the order would depend on earlier lists. The same items give the same list.
 */
export function createSorter<T>(compare: (a: T, b: T) => number): Sorter<T> {
  let before: readonly T[] = [];
  let sorted: readonly T[] = [];
  return (items) => {
    const { removed, added } = changesBetween(before, items);
    before = items;
    if (removed.size === 0 && added.size === 0) return sorted;
    const kept = removed.size === 0 ? sorted : sorted.filter((item) => !removed.has(item));
    sorted = merge(kept, [...added].toSorted(compare), compare);
    return sorted;
  };
}

/** The items that are in only one of the two lists. Common prefixes and suffixes are skipped quickly. */
export function changesBetween<T>(before: readonly T[], after: readonly T[]) {
  const shorter = Math.min(before.length, after.length);
  let start = 0;
  while (start < shorter && before[start] === after[start]) start += 1;
  let end = 0;
  while (end < shorter - start && before.at(-1 - end) === after.at(-1 - end)) end += 1;
  const removed = new Set(before.slice(start, before.length - end));
  const added = new Set<T>();
  for (const item of after.slice(start, after.length - end)) if (!removed.delete(item)) added.add(item);
  return { removed, added };
}

function merge<T>(kept: readonly T[], added: readonly T[], compare: (a: T, b: T) => number): readonly T[] {
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
