/** The candidate that a mistyped name probably means; undefined if none is similar. */
export function nearest(name: string, candidates: readonly string[]): string | undefined {
  const bound = Math.max(1, Math.floor(name.length / 3));
  const scored = candidates
    // The minimum number of different letters. Avoids the computation for names of other lengths.
    .filter((candidate) => Math.abs(candidate.length - name.length) <= bound)
    .map((candidate) => ({ candidate, distance: editDistance(name, candidate) }))
    .filter(({ distance }) => distance <= bound)
    .toSorted((a, b) => a.distance - b.distance);
  return scored[0]?.candidate;
}

/** Number of letters that are different, missing, added or swapped: the optimal string alignment, three rows at a time. */
export function editDistance(a: string, b: string): number {
  let beforePrevious: readonly number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row++) {
    const current = [row];
    for (let column = 1; column <= b.length; column++) {
      const substitution = previous[column - 1]! + (a[row - 1] === b[column - 1] ? 0 : 1);
      const swapped = row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1];
      const transposition = swapped ? beforePrevious[column - 2]! + 1 : Number.POSITIVE_INFINITY;
      current.push(Math.min(substitution, previous[column]! + 1, current[column - 1]! + 1, transposition));
    }
    [beforePrevious, previous] = [previous, current];
  }
  return previous[b.length]!;
}
