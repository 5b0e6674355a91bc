import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NginxTextError, readStatements } from '../../../src/nginx-text/statements.ts';
import { type Directive, parseNginx } from '../../support/nginx-parser.ts';
import { processorMs } from '../../support/processor-time.ts';

function read(text: string): string[] {
  const found: string[] = [];
  readStatements(text, {
    statement: ({ words, opens }) => {
      found.push(JSON.stringify([...words, ...(opens ? ['{'] : [])]));
      return undefined;
    },
    close: () => found.push('}'),
  });
  return found;
}

function flatten(directives: readonly Directive[]): string[] {
  return directives.flatMap(({ name, args, block }) => [
    JSON.stringify([name, ...args, ...(block ? ['{'] : [])]),
    ...(block ? [...flatten(block), '}'] : []),
  ]);
}

describe('text for nginx', () => {
  it.each([
    ['a b;', '["a","b"]'],
    ['a "b c" \'d;\' e\\ f;', '["a","b c","d;","e\\\\ f"]'],
    ['a b#c;#d;\n#e\n', '["a","b#c"]'],
    ['a b"c;', '["a","b\\"c"]'],
    ['a "b\\"c\\n\\d\\\\";', '["a","b\\"c\\n\\\\d\\\\"]'],
    ['a $' + '{b}c{}', '["a","$' + '{b}c","{"] }'],
    ['a $' + '{{b;', '["a","${{b"]'],
    ['if ($a = "") {}', '["if","($a","=","",")","{"] }'],
    ['a "#b" ;', '["a","#b"]'],
    ['a\r\n\tb\n;', '["a","b"]'],
    ['a b{c}d;}', '["a","b","{"] ["c}d"] }'],
    // Spaces to JavaScript, letters to nginx.
    ['a\u00a0b\u000bc;', '["a\u00a0b\\u000bc"]'],
  ])('%j is read as nginx reads it', (text, expected) => {
    expect(read(text).join(' ')).toBe(expected);
  });

  it.each(['a', 'a;b', ';', '{}', 'a }', 'a "b', 'a "b"c;', 'a "b"#c;\n;', 'a \\', "a 'b", 'a "b\\";', 'a\0b;', 'a b'])(
    '%j is rejected',
    (text) => {
      expect(() => read(text)).toThrow(NginxTextError);
    },
  );

  it('is read as another nginx parser reads it', () => {
    const letters = [...'ab"\'\\', ...'$', ...'{};#() \n\t', 'a b;', '{ ', ' }', '"x";'];
    const texts = fc.array(fc.constantFrom(...letters), { maxLength: 24 }).map((parts) => parts.join(''));
    fc.assert(
      fc.property(texts, (text) => {
        const attempt = (reader: () => string[]) => {
          try {
            return reader();
          } catch {
            return 'rejected';
          }
        };
        const expected = attempt(() => flatten(parseNginx(text)));
        const found = attempt(() => read(text));
        // The caller that reads the statements checks whether blocks match.
        if (expected !== 'rejected') expect(found).toEqual(expected);
        else fc.pre(found === 'rejected');
      }),
      { numRuns: 5000, maxSkipsPerRun: 1000 },
    );
  });

  it.each([
    ['words', `${'a '.repeat(400_000)}"`],
    ['quotes', `a "${'b'.repeat(800_000)}`],
    ['escapes', `a "${'\\b'.repeat(400_000)}`],
    ['variables', `a ${'$'.repeat(400_000)}${'{'.repeat(400_000)}`],
    ['words with variables', `a ${'$b'.repeat(400_000)}\\`],
    ['letters', `a ${'b'.repeat(800_000)}\\`],
    ['spaces', `a${' '.repeat(800_000)}"b`],
    ['comments', '#\n'.repeat(400_000)],
    ['entries', `map $a $b {${' "c" "d";'.repeat(100_000)} "e`],
  ])('of 800 kB of %s is read quickly', (_, text) => {
    const start = processorMs();
    try {
      read(text);
    } catch (error) {
      expect(error).toBeInstanceOf(NginxTextError);
    }
    expect(processorMs() - start).toBeLessThan(2000);
  });
});
