import { expect, it } from 'vitest';
import { askedIn, explainLink, isPlain, toParameters } from '../../../src/ui/lib/asked-request.ts';
import { parsePlace } from '../../../src/ui/lib/place.ts';

const route = {
  host: 'app.example.org',
  hostKind: 'exact',
  path: '/',
  answer: { kind: 'service', text: '' },
} as const;

it.each([
  [{}, { url: 'http://app.example.org/', method: '', headers: '' }],
  [{ host: '*.example.org', hostKind: 'wildcard' }, { url: 'http://www.example.org/' }],
  [{ path: '=/exact', answer: { kind: 'tls-only', text: '' } }, { url: 'https://app.example.org/exact' }],
  [
    { match: 'cookie:a, cookie:b=x y, header:x-beta=c=d, header:x-user, method:POST|PUT, query:q=a b, query:v' },
    {
      url: 'http://app.example.org/?q=a+b&v=1',
      method: 'POST',
      headers: 'x-beta: c=d\nx-user: 1\ncookie: a=1; b=x y',
    },
  ],
] as const)('The link of a route %j asks for %j', (more, asked) => {
  const { view, query } = parsePlace(explainLink({ ...route, ...more })!);

  expect(view).toBe('routes');
  expect(askedIn(query)).toMatchObject(asked);
});

it.each([{ hostKind: 'regex' }, { hostKind: 'default' }, { path: '~/v\\d+' }] as const)(
  'A route without an example has no link: %j',
  (more) => {
    expect(explainLink({ ...route, ...more })).toBeUndefined();
  },
);

it('A request becomes parameters of the API', () => {
  const plain = askedIn({ url: 'app.example.org' });
  expect([...toParameters(plain)]).toEqual([['url', 'app.example.org']]);
  expect(isPlain(plain)).toBe(true);

  const post = { ...plain, method: 'POST', headers: 'X-A: 1\n\nCookie: a=b' };
  expect([...toParameters(post)].slice(1)).toEqual([
    ['method', 'POST'],
    ['header', 'X-A: 1'],
    ['header', 'Cookie: a=b'],
  ]);
  expect(isPlain(post)).toBe(false);
});
