import { diffArrays } from 'diff/lib/diff/array.js';

/** A line of a comparison, with its numbers in the old and the new text. */
export interface DiffLine {
  readonly kind: 'same' | 'removed' | 'added';
  readonly text: string;
  readonly before: number | undefined;
  readonly after: number | undefined;
}

/** Lines that changed with some around them; what lies in between is only counted. */
export type DiffRow = DiffLine | { readonly kind: 'gap'; readonly count: number };

/** Texts that differ in more lines than this are not compared line by line: nobody reads such a comparison. */
const MAX_EDITS = 1500;
const CONTEXT = 3;

export function diffRows(before: string, after: string): DiffRow[] {
  return foldUnchanged(diffLines(before, after));
}

export function diffLines(before: string, after: string): DiffLine[] {
  const old = before.split('\n');
  const young = after.split('\n');
  const kinds = editScript(old, young);
  return number(startAfterBlanks(kinds, number(kinds, old, young)), old, young);
}

function number(kinds: readonly DiffLine['kind'][], old: readonly string[], young: readonly string[]): DiffLine[] {
  let before = 0;
  let after = 0;
  return kinds.map((kind) => {
    if (kind === 'removed') return { kind, text: old[before]!, before: ++before, after: undefined };
    if (kind === 'added') return { kind, text: young[after]!, before: undefined, after: ++after };
    return { kind, text: young[after]!, before: ++before, after: ++after };
  });
}

/**
 * A block that was added between equal ones might as well begin a few lines earlier: `} server {` reads worse than `server { }`.
 * The words stay in their order, so that only the kinds of equal lines change places.
 */
function startAfterBlanks(kinds: readonly DiffLine['kind'][], lines: readonly DiffLine[]): DiffLine['kind'][] {
  const slid = [...kinds];
  for (let start = 0; start < slid.length; start++) {
    if (slid[start] === 'same' || slid[start] === slid[start - 1]) continue;
    let end = start;
    while (slid[end + 1] === slid[start]) end++;
    const shift = shiftToBlank(slid, lines, start, end);
    slid.fill(slid[start]!, start - shift, start).fill('same', end + 1 - shift, end + 1);
    start = end;
  }
  return slid;
}

function shiftToBlank(
  kinds: readonly DiffLine['kind'][],
  lines: readonly DiffLine[],
  start: number,
  end: number,
): number {
  for (let shift = 0; ; shift++) {
    const before = start - shift - 1;
    if (before < 0 || kinds[before] !== 'same') return 0;
    if (lines[before]!.text.trim() === '') return shift;
    if (lines[before]!.text !== lines[end - shift]!.text) return 0;
  }
}

function editScript(old: string[], young: string[]): DiffLine['kind'][] {
  const changes = diffArrays(old, young, { oneChangePerToken: true, maxEditLength: MAX_EDITS });
  if (changes === undefined) return [...old.map(() => 'removed' as const), ...young.map(() => 'added' as const)];
  return changes.map(({ added, removed }) => (removed ? 'removed' : added ? 'added' : 'same'));
}

function foldUnchanged(lines: readonly DiffLine[]): DiffRow[] {
  const near = new Set<number>();
  for (const [index, { kind }] of lines.entries()) {
    if (kind === 'same') continue;
    for (let offset = -CONTEXT; offset <= CONTEXT; offset++) near.add(index + offset);
  }
  const rows: DiffRow[] = [];
  let skipped = 0;
  const flush = () => {
    if (skipped > 0) rows.push({ kind: 'gap', count: skipped });
    skipped = 0;
  };
  for (const [index, line] of lines.entries()) {
    if (!near.has(index)) {
      skipped += 1;
      continue;
    }
    flush();
    rows.push(line);
  }
  flush();
  return rows;
}
