import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { quote, quoteBefore, quoteHost, quoteLiteral, quotePath } from '../../../src/render/quote.ts';
import { parseNginx } from '../../support/nginx-parser.ts';

/** What nginx reads if a directive has this as its only word. */
function readBack(text: string): readonly string[] {
  const directives = parseNginx(`name ${text};`);
  expect(directives).toHaveLength(1);
  expect(directives[0]).not.toHaveProperty('block');
  return directives[0]!.args;
}

describe('a quoted value', () => {
  it('is read back unchanged by nginx, or rejected', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.string({ unit: fc.constantFrom(...'"\'\\;{}# $\nnrt') })), (value) => {
        let quoted: string;
        try {
          quoted = quote(value);
        } catch {
          expect(value).toMatch(/[^\x20-\x7e]|\$/);
          return;
        }
        expect(readBack(quoted)).toEqual([value]);
      }),
      { numRuns: 1000 },
    );
  });

  it.each(['$host', 'a\nb', 'a\u0000', 'ä', '\u202e', '\u007f'])(
    'with a character that nginx cannot escape is rejected: %j',
    (value) => {
      expect(() => quote(value)).toThrow('is not allowed');
      expect(() => quoteBefore(value, 'request_uri')).toThrow('is not allowed');
    },
  );

  it('may be followed by a variable, and only by that one', () => {
    expect(readBack(quoteBefore('http://a"b', 'request_uri'))).toEqual(['http://a"b$request_uri']);
  });
});

describe('a quoted host', () => {
  it.each([
    ['exact', 'app.example.org', 'app.example.org'],
    ['wildcard', '*.example.org', '*.example.org'],
    ['regex', String.raw`shop-\d{1,3}\.example\.org`, String.raw`~^shop-\d{1,3}\.example\.org$`],
  ])('of the kind %s is %s', (kind, name, read) => {
    expect(readBack(quoteHost(kind, name))).toEqual([read]);
  });

  it.each(['a"b', 'a b', 'a;b', 'a{b', 'a}b', 'a$b', 'a\nb', 'ä', 'a{1,2}{'])(
    'is rejected as an expression: %j',
    (name) => {
      expect(() => quoteHost('regex', name)).toThrow('is not allowed');
    },
  );
});

describe('a literal', () => {
  it('is read back unchanged by nginx, whatever it contains', () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.string({ unit: fc.constantFrom(...'"\'\\;{}# $\n\rnrtß') }),
    );
    fc.assert(
      fc.property(text, (value) => {
        fc.pre(!value.includes('\0'));
        expect(readBack(quoteLiteral(value))).toEqual([value]);
      }),
      { numRuns: 1000 },
    );
  });

  it('has no zero', () => {
    expect(() => quoteLiteral('a\0')).toThrow('NUL');
  });
});

describe('a location path', () => {
  it.each(['/', '/app', '/app/', '/größe', '/my app', '/$host', '/a"b', '/a\\b', "/{};#'", '/%00', '/日本/'])(
    'is read back unchanged by nginx: %j',
    (path) => {
      expect(readBack(quotePath(path))).toEqual([path]);
    },
  );

  it.each(['app', '/a\n', '/a\0', '/a\u2028', '/a//b', '/../a', '/a\ud800'])('is refused otherwise: %j', (path) => {
    expect(() => quotePath(path)).toThrow('Path is not allowed');
  });
});
