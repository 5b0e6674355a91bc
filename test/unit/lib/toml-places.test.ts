import fc from 'fast-check';
import { parse, stringify } from 'smol-toml';
import { describe, expect, it } from 'vitest';
import { tomlPlaces } from '../../../src/lib/toml-places.ts';

/** Paths with their places, as `a.b 1:2`. */
function places(text: string): string[] {
  parse(text);
  return tomlPlaces(text).map(({ path, place }) => `${path.join('.')} ${place.line}:${place.column}`);
}

describe('the places of keys', () => {
  it.each([
    ['a = 1', ['a 1:1']],
    ['\n  a = 1 # b = 2\nc = "x"', ['a 2:3', 'c 3:1']],
    ['a = 1\r\nb = 2', ['a 1:1', 'b 2:1']],
    ['a.b.c = 1', ['a 1:1', 'a.b 1:1', 'a.b.c 1:1']],
    ['a . "b" . \'c\' = 1', ['a 1:1', 'a.b 1:1', 'a.b.c 1:1']],
    ['"a b" = 1\n\'c"d\' = 2', ['a b 1:1', 'c"d 2:1']],
    ['"a\\"\\u0062\\t" = 1', ['a"b\t 1:1']],
    ['[a.b]\nc = 1\n[ d ]\ne = 2', ['a 1:1', 'a.b 1:1', 'a.b.c 2:1', 'd 3:1', 'd.e 4:1']],
    ['[a."b.c"]\nd = 1', ['a 1:1', 'a.b.c 1:1', 'a.b.c.d 2:1']],
    ['a = { b = 1, c = { d = 2 } }', ['a 1:1', 'a.b 1:7', 'a.c 1:14', 'a.c.d 1:20']],
    ['a = { "}" = "}", b.c = 1 }', ['a 1:1', 'a.} 1:7', 'a.b 1:18', 'a.b.c 1:18']],
    ['a = [\n  1, # ]\n  "x]",\n]\nb = 2', ['a 1:1', 'a.0 2:3', 'a.1 3:3', 'b 5:1']],
    ['a = [{ b = 1 }, { c = 2 }]', ['a 1:1', 'a.0 1:6', 'a.0.b 1:8', 'a.1 1:17', 'a.1.c 1:19']],
    [
      '[[a]]\nb = 1\n[[a]]\n[a.c]\nd = 2',
      ['a 1:1', 'a.0 1:1', 'a.0.b 2:1', 'a 3:1', 'a.1 3:1', 'a.1 4:1', 'a.1.c 4:1', 'a.1.c.d 5:1'],
    ],
    ['a = """\nb = 1\n"""\nc = 2', ['a 1:1', 'c 4:1']],
    ['a = """x\\""" """\nc = 2', ['a 1:1', 'c 2:1']],
    ['a = """"x"""""\nc = 2', ['a 1:1', 'c 2:1']],
    ["a = '''\n[b]\n''''\nc = 2", ['a 1:1', 'c 4:1']],
    ["a = '\\'\nc = '#'", ['a 1:1', 'c 2:1']],
    ['a = "\\\\"\nc = 2', ['a 1:1', 'c 2:1']],
    ['a = 1979-05-27 07:32:00Z\nb = [1979-05-27 07:32:00, 2]', ['a 1:1', 'b 2:1', 'b.0 2:6', 'b.1 2:27']],
    ['a = true\nb = inf\nc = 0x1F', ['a 1:1', 'b 2:1', 'c 3:1']],
    ['', []],
    ['# only a comment', []],
  ])('are found in %j', (text, expected) => {
    expect(places(text)).toEqual(expected);
  });

  it('are found for exactly the keys that a parser finds', () => {
    const value = fc.oneof(fc.string({ unit: fc.constantFrom(...'ab"\'\\#[]{}=,\n\t') }), fc.integer(), fc.boolean());
    const key = fc.string({ unit: fc.constantFrom(...'ab."\'\\ #[]='), minLength: 1, maxLength: 4 });
    const table = fc.dictionary(key, fc.oneof(value, fc.dictionary(key, fc.oneof(value, fc.array(value)))));
    fc.assert(
      fc.property(table, (document) => {
        const text = stringify(document);
        const found = new Set(tomlPlaces(text).map(({ path }) => JSON.stringify(path)));

        expect(found).toEqual(new Set(pathsOf(parse(text), [])));
      }),
    );
  });
});

function pathsOf(value: unknown, path: readonly string[]): string[] {
  const own = path.length === 0 ? [] : [JSON.stringify(path)];
  if (typeof value !== 'object' || value === null) return own;
  return [...own, ...Object.entries(value).flatMap(([name, inner]) => pathsOf(inner, [...path, name]))];
}
