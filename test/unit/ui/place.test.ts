import { expect, it } from 'vitest';
import { parsePlace, toHash } from '../../../src/ui/lib/place.ts';

it('A place can be stored and shared', () => {
  const place = { view: 'routes', query: { filter: 'shop & co', url: 'http://a/?b=c#d' } } as const;
  expect(parsePlace(toHash(place))).toEqual(place);
  expect(toHash({ view: 'routes', query: { filter: '' } })).toBe('#/routes');
});

it.each(['', '#', '#/', '#/nowhere', '#__proto__'])('%j is the overview', (hash) => {
  expect(parsePlace(hash)).toEqual({ view: 'overview', query: {} });
});
