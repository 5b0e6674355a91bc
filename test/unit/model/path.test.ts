import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodePath, isCanonicalPath, parsePath } from '../../../src/model/path.ts';

describe('a context root', () => {
  it.each([
    ['/', ''],
    ['//', ''],
    ['/app', '/app'],
    ['/app/', '/app'],
    ['/App', '/App'],
    ['/größe', '/größe'],
    ['/gr%C3%B6%C3%9Fe', '/größe'],
    ['/gr%c3%b6%c3%9fe/', '/größe'],
    ['/my%20app', '/my app'],
    ['/%61pp', '/app'],
    ['//app//v2', '/app/v2'],
    ['/./app/.', '/app'],
    ['/x/../app', '/app'],
    ['/x/%2e%2E/app', '/app'],
    ['/..a/b..', '/..a/b..'],
    ['/...', '/...'],
    ["/!$&'()*+,;=:@-._~", "/!$&'()*+,;=:@-._~"],
    ['/a%3Fb%23c', '/a?b#c'],
    ['/a%25b', '/a%b'],
    ['/%7B%22%5C%7D', '/{"\\}'],
    ['/日本', '/日本'],
    ['/🚂', '/🚂'],
  ])('%j is the path %j', (text, path) => {
    expect(parsePath(text)).toEqual({ path });
  });

  it.each([
    '',
    'app',
    'a/b',
    '/a b',
    '/a?b',
    '/a#b',
    '/a"b',
    '/a{b',
    '/a\\b',
    '/a%',
    '/a%2',
    '/a%zz',
    '/a%2Fb',
    '/a%2fb',
    '/a%00',
    '/a%0a',
    '/a%0D',
    '/a%7F',
    '/a\n',
    '/a\0',
    '/a\u0085',
    '/a%C2%85',
    '/a\u2028',
    '/a%E2%80%A8',
    '/a\u202eb',
    '/a%ff',
    '/gr%F6%DFe',
    '/a\ud800',
    '/..',
    '/a/../..',
    '/%2e%2e/a',
    `/${'a'.repeat(512)}`,
  ])('%j is invalid', (text) => {
    expect(parsePath(text)).toEqual({ reason: expect.any(String) });
  });

  const segment = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 8 });
  const canonical = fc
    .array(segment, { maxLength: 5 })
    .map((segments) => segments.map((text) => `/${text}`).join(''))
    .filter((path) => isCanonicalPath(path) && path.length < 100);

  it('is the same path in every encoding', () => {
    fc.assert(
      fc.property(canonical, fc.infiniteStream(fc.nat(3)), (path, choices) => {
        const encoded = encodePath(path).replaceAll(/%..|./g, (piece) => respell(piece, choices.next().value));

        expect(parsePath(path === '' ? '/' : encoded)).toEqual({ path });
      }),
    );
  });

  it('is matched by its own encoding, which is ASCII without a dollar sign', () => {
    fc.assert(
      fc.property(canonical, (path) => {
        expect(encodePath(path)).toMatch(/^[\x21-\x7e]*$/);
        expect(encodePath(path)).not.toContain('$');
        expect(decodeURIComponent(encodePath(path))).toBe(path);
      }),
    );
  });

  it('is canonical, or rejected', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'/.%2fFeE0aäß\n\0\u2028 ?#;{}"\\$') }), (text) => {
        const parsed = parsePath(`/${text}`);
        if ('path' in parsed) expect(isCanonicalPath(parsed.path)).toBe(true);
      }),
      { numRuns: 1000 },
    );
  });
});

/** Clients encode one path in several ways. */
function respell(piece: string, choice: number): string {
  if (piece === '/') return ['/', '//', '/./', '/x/../'][choice]!;
  if (piece.length > 1) return choice === 0 ? piece.toLowerCase() : piece;
  return choice === 0 ? `%${piece.charCodeAt(0).toString(16).padStart(2, '0')}` : piece;
}
