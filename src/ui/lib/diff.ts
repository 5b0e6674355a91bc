/** A line of a comparison, with its numbers in the old and the new text. */
export interface DiffLine {
  readonly kind: 'same' | 'removed' | 'added';
  readonly text: string;
  readonly before: number | undefined;
  readonly after: number | undefined;
}

/** Lines that changed with some around them; what lies in between is only counted. */
export type DiffRow = DiffLine | { readonly kind: 'gap'; readonly count: number };

/** Texts that differ in more lines than this are told apart as a whole: nobody reads such a comparison. */
const MAX_EDITS = 1500;
const CONTEXT = 3;

export function diffRows(before: string, after: string): DiffRow[] {
  return foldUnchanged(diffLines(before, after));
}

export function diffLines(before: string, after: string): DiffLine[] {
  const old = before.split('\n');
  const young = after.split('\n');
  let start = 0;
  while (start < Math.min(old.length, young.length) && old[start] === young[start]) start++;
  let end = 0;
  const rest = Math.min(old.length, young.length) - start;
  while (end < rest && old[old.length - 1 - end] === young[young.length - 1 - end]) end++;
  const middle = editScript(old.slice(start, old.length - end), young.slice(start, young.length - end));
  const kinds = [...Array(start).fill('same'), ...middle, ...Array(end).fill('same')] as DiffLine['kind'][];
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

/** The shortest way from one text to the other: E. Myers, "An O(ND) Difference Algorithm and Its Variations", 1986. */
function editScript(old: readonly string[], young: readonly string[]): DiffLine['kind'][] {
  const trace: Int32Array[] = [];
  const limit = Math.min(MAX_EDITS, old.length + young.length);
  let reached = new Int32Array([0, 0, 0]);
  for (let edits = 0; edits <= limit; edits++) {
    const next = new Int32Array(2 * edits + 3);
    for (let diagonal = -edits; diagonal <= edits; diagonal += 2) {
      const x = slide(old, young, diagonal, furthest(reached, edits, diagonal));
      next[diagonal + edits + 1] = x;
      if (x >= old.length && x - diagonal >= young.length) return walkBack(trace, old.length, young.length);
    }
    trace.push(next);
    reached = next;
  }
  return [...old.map(() => 'removed' as const), ...young.map(() => 'added' as const)];
}

/** How far one gets on a diagonal with so many edits, before equal lines are skipped. `reached` is that of one edit less. */
function furthest(reached: Int32Array, edits: number, diagonal: number): number {
  if (edits === 0) return 0;
  const at = (neighbour: number) => reached[neighbour + edits] ?? 0;
  if (isDown(reached, edits, diagonal)) return at(diagonal + 1);
  return at(diagonal - 1) + 1;
}

function isDown(reached: Int32Array, edits: number, diagonal: number): boolean {
  const at = (neighbour: number) => reached[neighbour + edits] ?? 0;
  return diagonal === -edits || (diagonal !== edits && at(diagonal - 1) < at(diagonal + 1));
}

function slide(old: readonly string[], young: readonly string[], diagonal: number, from: number): number {
  let x = from;
  while (x < old.length && x - diagonal < young.length && old[x] === young[x - diagonal]) x++;
  return x;
}

function walkBack(trace: readonly Int32Array[], oldLength: number, youngLength: number): DiffLine['kind'][] {
  const kinds: DiffLine['kind'][] = [];
  let x = oldLength;
  let y = youngLength;
  for (let edits = trace.length; edits > 0; edits--) {
    const reached = trace[edits - 1]!;
    const diagonal = x - y;
    const down = isDown(reached, edits, diagonal);
    const before = down ? diagonal + 1 : diagonal - 1;
    const beforeX = reached[before + edits] ?? 0;
    const afterEdit = down ? beforeX : beforeX + 1;
    for (; x > afterEdit; x--, y--) kinds.push('same');
    kinds.push(down ? 'added' : 'removed');
    x = beforeX;
    y = beforeX - before;
  }
  for (; x > 0; x--) kinds.push('same');
  return kinds.toReversed();
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
