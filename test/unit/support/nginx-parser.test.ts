import { describe, expect, it } from 'vitest';
import { parseNginx } from '../../support/nginx-parser.ts';

const raw = String.raw;

describe('the parser of nginx configurations', () => {
  it.each([
    ['words', 'a b  c;', [{ name: 'a', args: ['b', 'c'] }]],
    ['quotes of both kinds', `a "b; {" 'c "d" }';`, [{ name: 'a', args: ['b; {', 'c "d" }'] }]],
    ['a quote inside a word', 'a b"c;', [{ name: 'a', args: ['b"c'] }]],
    ['escapes', raw`a "b\"c\\" d\;e \d;`, [{ name: 'a', args: [`b"c\\`, raw`d\;e`, raw`\d`] }]],
    ['variables in braces', raw`a x$\{b}c;`.replace('\\', ''), [{ name: 'a', args: [`x$\{b}c`] }]],
    ['comments', '# no { "\na b#c; # d', [{ name: 'a', args: ['b#c'] }]],
    ['blocks', 'a { b c { } }', [{ name: 'a', args: [], block: [{ name: 'b', args: ['c'], block: [] }] }]],
  ])('parses %s', (_, text, directives) => {
    expect(parseNginx(text)).toEqual(directives);
  });

  it.each(['a', 'a {', 'a; }', 'a "b', 'a "b"c;', ';', '{ }', 'a { b }'])('rejects %j', (text) => {
    expect(() => parseNginx(text)).toThrow();
  });
});
