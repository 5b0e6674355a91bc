import fc from 'fast-check';
import { expect, it } from 'vitest';
import { tokenize } from '../../../src/ui/lib/nginx-tokens.ts';

const tokensIn = (text: string) =>
  tokenize(text).map((tokens) =>
    tokens.filter(({ kind }) => kind !== 'plain').map(({ kind, text }) => `${kind} ${text}`),
  );

it('Highlights an nginx configuration', () => {
  expect(tokensIn('server {\n  listen 8080; # all\n  proxy_set_header "Host" $http_host;\n}')).toEqual([
    ['directive server', 'brace {'],
    ['directive listen', 'number 8080', 'brace ;', 'comment # all'],
    ['directive proxy_set_header', 'string "Host"', 'variable $http_host', 'brace ;'],
    ['brace }'],
  ]);
});

it('Follows a directive over several lines', () => {
  expect(tokensIn('ssl_protocols TLSv1.2\n  TLSv1.3;\nhttp2 on;')).toEqual([
    ['directive ssl_protocols'],
    ['brace ;'],
    ['directive http2', 'brace ;'],
  ]);
});

it('Keeps every character of any text', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const lines = tokenize(text).map((tokens) => tokens.map(({ text }) => text).join(''));
      expect(lines.join('\n')).toBe(text);
    }),
  );
});
