import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createSorter } from '../../../src/lib/sorter.ts';

it('sorts correctly whatever it sorted before', () => {
  const numbers = Array.from({ length: 30 }, (_, n) => ({ n }));
  const compare = (a: { n: number }, b: { n: number }) => a.n - b.n;
  const lists = fc.array(fc.uniqueArray(fc.constantFrom(...numbers)), { maxLength: 6 });

  fc.assert(
    fc.property(lists, (some) => {
      const sort = createSorter(compare);
      for (const list of some) expect(sort(list)).toEqual(list.toSorted(compare));
    }),
  );
});
