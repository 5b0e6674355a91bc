import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { diffLines, diffRows } from '../../../src/ui/lib/diff.ts';

const lines = (...words: readonly string[]) => words.join('\n');
const compared = (before: string, after: string) =>
  diffLines(before, after).map(({ kind, text }) => `${{ same: ' ', removed: '-', added: '+' }[kind]}${text}`);

describe('a comparison', () => {
  it('shows removed and added lines, with both numbers', () => {
    expect(compared(lines('a', 'b', 'c'), lines('a', 'x', 'c', 'd'))).toEqual([' a', '-b', '+x', ' c', '+d']);
    expect(diffLines(lines('a', 'b'), lines('b'))).toEqual([
      { kind: 'removed', text: 'a', before: 1, after: undefined },
      { kind: 'same', text: 'b', before: 2, after: 1 },
    ]);
  });

  it('turns any text into any other, with few lines', () => {
    const text = fc.array(fc.constantFrom('a', 'b', 'c', '}'), { maxLength: 30 }).map((words) => words.join('\n'));
    fc.assert(
      fc.property(text, text, (before, after) => {
        const compared = diffLines(before, after);
        const side = (other: string) => compared.filter(({ kind }) => kind !== other).map(({ text }) => text);
        expect(lines(...side('added'))).toBe(before);
        expect(lines(...side('removed'))).toBe(after);
        const edits = compared.filter(({ kind }) => kind !== 'same').length;
        expect(edits).toBe(shortest(before.split('\n'), after.split('\n')));
      }),
    );
  });

  it('shows an added block as a block', () => {
    const block = (name: string) => ['', `server ${name} {`, '}'];
    const before = lines('{', ...block('a'), ...block('c'));
    expect(
      compared(before, lines('{', ...block('a'), ...block('b'), ...block('c'))).filter((line) => line !== ' '),
    ).toEqual([' {', ' server a {', ' }', '+server b {', '+}', '+', ' server c {', ' }']);
  });

  it('stops for texts that have little in common', () => {
    const text = (name: string) => Array.from({ length: 4000 }, (_, line) => `${name} ${line}`).join('\n');
    expect(diffLines(text('a'), text('b'))).toHaveLength(8000);
  });

  it('only counts lines far from a change', () => {
    const before = Array.from({ length: 20 }, (_, line) => `line ${line}`);
    const after = before.with(10, 'other');
    const rows = diffRows(before.join('\n'), after.join('\n'));
    expect(rows.map((row) => (row.kind === 'gap' ? row.count : row.kind))).toEqual([
      7,
      'same',
      'same',
      'same',
      'removed',
      'added',
      'same',
      'same',
      'same',
      6,
    ]);
  });
});

/** Lines of either text that are not in a longest common subsequence. */
function shortest(before: readonly string[], after: readonly string[]): number {
  let row = Array<number>(after.length + 1).fill(0);
  for (const line of before) {
    const next = [0];
    for (const [index, other] of after.entries())
      next.push(line === other ? row[index]! + 1 : Math.max(row[index + 1]!, next[index]!));
    row = next;
  }
  return before.length + after.length - 2 * row.at(-1)!;
}
