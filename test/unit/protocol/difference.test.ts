import fc from 'fast-check';
import { expect, it } from 'vitest';
import { applyDifference, differenceOf } from '../../../src/protocol/difference.ts';

const items = Array.from({ length: 40 }, (_, n) => ({ n }));

it('a difference turns one list into the other', () => {
  const lists = fc.uniqueArray(fc.constantFrom(...items));

  fc.assert(
    fc.property(lists, lists, (before, after) => {
      const difference = differenceOf(before, after);
      if (difference) expect(applyDifference(before, difference)).toEqual(after);
    }),
  );
});

it('a difference contains only what differs', () => {
  const changed = { n: 100 };

  expect(differenceOf(items, items.with(7, changed))).toEqual({ removed: [7], added: [{ at: 7, item: changed }] });
  expect(differenceOf(items, items.slice(1))).toEqual({ removed: [0], added: [] });
  expect(differenceOf(items, items)).toEqual({ removed: [], added: [] });
});

it('a difference is not used if most items differ, or the order does', () => {
  expect(differenceOf([], items)).toBeUndefined();
  expect(differenceOf(items, items.toReversed())).toBeUndefined();
});
