import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Piece, parseExpression, type Sequence } from '../../../src/model/hosts/expression.ts';
import { mostSteps } from '../../../src/model/hosts/expression-cost.ts';
import { MAX_HOST_LENGTH, MOST_EXPRESSION_STEPS, parseHost } from '../../../src/model/hosts/host.ts';
import { processorMs } from '../../support/processor-time.ts';

const stepsOf = (text: string) => mostSteps(parseExpression(text)!, MAX_HOST_LENGTH);

describe('an expression', () => {
  it.each([
    String.raw`^(www\.)?[a-z0-9-]+\.example\.org$`,
    String.raw`^app\d{1,3}\.example\.org$`,
    String.raw`^(.+\.)?example\.org$`,
    '.*foo.*',
    String.raw`^[\w-]+\.(dev|test)\.example\.org$`,
    String.raw`^([a-z0-9-]+\.){1,3}example\.org$`,
    String.raw`^([a-z0-9-]+\.)+example\.org$`,
    String.raw`^[a-z0-9]+-[a-z0-9-]+\.example\.org$`,
    String.raw`^.+\.app\..+$`,
    String.raw`^v[0-9.]+\.example\.org$`,
  ])('of linear time is accepted: %s', (text) => {
    expect(parseHost(`~${text}`)).toMatchObject({ kind: 'regex' });
  });

  it.each([
    ['repetitions of the same characters', '^.*-.*x$'],
    ['repetitions with text between them', String.raw`^.*foo.*\.example\.org$`],
    ['three of them', '^.*.*.*x$'],
    ['nested repetitions', '^(a+)+$'],
    ['repeated alternatives', '^(a|aa)+$'],
    ['many optional characters', `^${'a?'.repeat(40)}b$`],
    ['bounded repetitions of the same characters', '^a{1,75}a{1,75}.*b$'],
  ])('of more than linear time is rejected: %s', (_, text) => {
    expect(parseHost(`~${text}`)).toMatch('too many ways');
  });

  it.each([
    ['a lookahead', '^(?=a)b$'],
    ['a lookbehind', '^(?<=a)b$'],
    ['a backreference', String.raw`^(a)\1$`],
    ['an anchor inside', '^a$b$'],
    ['an alternative outside a group', '^a|b$'],
    ['an empty alternative', '^(a|)$'],
    ['a repetition of an expression that can be empty', '^(a*)+$'],
    ['a named group', '^(?<name>a)$'],
    ['an atomic group', '^(?>a+)b$'],
    ['a possessive quantifier', '^a++$'],
    ['a lazy quantifier', '^a+?$'],
    ['a reversed range', '^[z-a]$'],
    ['a dollar sign', '^a$host$'],
  ])('outside the subset is rejected: %s', (_, text) => {
    expect(parseHost(`~${text}`)).toMatch('not a safe regular expression');
  });

  it('that is too large to be analyzed takes time independent of its length', () => {
    const start = processorMs();

    expect(parseHost('~^([a-z]{1,99}[a-z]{1,99}){1,99}$')).toMatch('too many ways');

    expect(processorMs() - start).toBeLessThan(500);
  });
});

const atom = fc.constantFrom('a', 'b', String.raw`\.`, '.', '[ab]', '[^a]', String.raw`\d`);
const quantifier = fc.constantFrom('', '', '', '?', '*', '+', '{1,3}', '{2}');
const plain = fc.array(fc.tuple(atom, quantifier), { minLength: 1, maxLength: 3 });
const textOf = (parts: readonly (readonly [string, string])[]) => parts.map((part) => part.join('')).join('');
const group = fc
  .tuple(fc.array(plain, { minLength: 1, maxLength: 2 }), quantifier)
  .map(([all, times]) => `(${all.map(textOf).join('|')})${times}`);
const expression = fc
  .array(fc.oneof(plain.map(textOf), group), { minLength: 1, maxLength: 4 })
  .map((all) => all.join(''));
/** Short pieces, repeated. */
const name = fc
  .array(fc.tuple(fc.stringMatching(/^[ab.1]{1,3}$/), fc.integer({ min: 1, max: 12 })), { minLength: 1, maxLength: 3 })
  .map((parts) => parts.map(([piece, times]) => piece.repeat(times)).join(''));

it('never takes more steps than the bound', () => {
  fc.assert(
    fc.property(expression, name, (text, host) => {
      const sequence = parseExpression(text);
      fc.pre(sequence !== undefined);
      const bound = mostSteps(sequence, host.length);
      fc.pre(bound <= MOST_EXPRESSION_STEPS);

      expect(stepsTaken(sequence, host)).toBeLessThanOrEqual(bound);
    }),
    { numRuns: 2000 },
  );
});

it('of a common form has a tight bound', () => {
  const expected = String.raw`[a-z0-9-]+\.example\.org`;

  expect(stepsOf(expected)).toBeLessThan(3 * MAX_HOST_LENGTH);
  expect(stepsOf('.*-.*x')).toBeGreaterThan(MAX_HOST_LENGTH ** 2 / 2);
});

/** Characters that a backtracking matcher compares, counting the end as one. Greedy, without nginx's optimizations. */
function stepsTaken(expression: Sequence, name: string): number {
  let steps = 0;
  const sequence = (pieces: Sequence, at: number, then: (at: number) => boolean): boolean => {
    const [first, ...rest] = pieces;
    return first === undefined ? then(at) : repeat(first, 0, at, (end) => sequence(rest, end, then));
  };
  const repeat = (piece: Piece, times: number, at: number, then: (at: number) => boolean): boolean => {
    const more = () => times < piece.most && once(piece, at, (end) => repeat(piece, times + 1, end, then));
    return times < piece.least ? more() : more() || then(at);
  };
  const once = ({ atom }: Piece, at: number, then: (at: number) => boolean): boolean => {
    if (typeof atom !== 'string') return atom.some((alternative) => sequence(alternative, at, then));
    steps += 1;
    return at < name.length && new RegExp(`^${atom}$`).test(name[at]!) && then(at + 1);
  };
  sequence(expression, 0, (end) => {
    steps += 1;
    return end === name.length;
  });
  return steps;
}
