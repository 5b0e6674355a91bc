import { sameItems } from '../lib/memo.ts';
import { fileDigest } from '../model/version-digest.ts';
import type { Block, Piece } from './blocks.ts';

/** A file of a configuration. */
export interface RenderedFile {
  /** Relative to the folder of the main file. */
  readonly path: string;
  /** Identifies the content; for the main file, the complete configuration. */
  readonly digest: string;
  readonly text: string;
}

/** A configuration up to this length is a single file, which is easy to read. */
const WHOLE_LENGTH = 256 * 1024;
/** Small enough that a change costs little, large enough to avoid too many files. A Docker config holds less than 1,000 KiB. */
const PART_LENGTH = 128 * 1024;
/** A part beyond this length is divided further: it may contain several large blocks. */
const MOST_LENGTH = 640 * 1024;
/** Number of parts of one kind; in a larger configuration the parts grow instead. */
const MOST_PARTS = 128;
/** A shorter text does not get a file of its own. */
const LEAST_LENGTH = 32 * 1024;

interface Part extends RenderedFile {
  readonly blocks: readonly Block[];
}

/** Divides a configuration that is too large for one file into a main file, as pieces of text, and the parts that it includes. */
export class FileDivider {
  readonly #cluster: string;
  /** The parts of the last rendering, by path. */
  #parts = new Map<string, Part>();

  constructor(cluster: string) {
    this.#cluster = cluster;
  }

  divide(pieces: readonly Piece[]): { readonly main: string; readonly parts: readonly RenderedFile[] } {
    if (lengthOf(pieces) < WHOLE_LENGTH) return { main: pieces.map(textOf).join(''), parts: [] };
    const parts = new Map<string, Part>();
    const main = toRuns(pieces).map((run) => {
      if (typeof run === 'string') return run;
      if (lengthOf(run) < LEAST_LENGTH) return run.map(textOf).join('\n');
      const made = this.#toParts(run, parts);
      return made.map(({ path }) => `    include ${path};\n`).join('');
    });
    this.#parts = parts;
    return { main: main.join(''), parts: [...parts.values()].map(({ blocks: _blocks, ...file }) => file) };
  }

  /** The number of parts is a power of two, and each block has a fixed place: one block more or less moves no other. */
  #toParts(run: readonly Block[], parts: Map<string, Part>): Part[] {
    const count = Math.min(MOST_PARTS, 2 ** Math.max(0, Math.ceil(Math.log2(lengthOf(run) / PART_LENGTH))));
    const groups = Array.from({ length: count }, (): Block[] => []);
    for (const block of run) groups[block.place! % count]!.push(block);
    const name = freeName(`${run[0]!.partial}s`, parts);
    return groups.flatMap((group, number) =>
      divideLarge(group).map((blocks, position) => {
        const more = position === 0 ? '' : `-${position + 1}`;
        const part = this.#toPart(`${name}-${String(number).padStart(2, '0')}${more}.conf`, blocks);
        parts.set(part.path, part);
        return part;
      }),
    );
  }

  #toPart(path: string, blocks: readonly Block[]): Part {
    const known = this.#parts.get(path);
    if (known && sameItems(known.blocks, blocks)) return known;
    const text = blocks.map((block) => block.text).join('\n');
    return { path, text, digest: fileDigest(this.#cluster, path, text), blocks };
  }
}

/** Fills parts in the order of the blocks, up to the maximum length. A single block may be longer. */
function divideLarge(group: readonly Block[]): Block[][] {
  const parts: Block[][] = [];
  let length = 0;
  for (const block of group) {
    const size = Buffer.byteLength(block.text);
    if (parts.length === 0 || length + size > MOST_LENGTH) {
      parts.push([]);
      length = 0;
    }
    parts.at(-1)!.push(block);
    length += size;
  }
  return parts;
}

function lengthOf(pieces: readonly Piece[]): number {
  return pieces.reduce((sum, piece) => sum + Buffer.byteLength(textOf(piece)), 0);
}

function textOf(piece: Piece): string {
  return typeof piece === 'string' ? piece : piece.text;
}

/** Consecutive blocks of a kind that may be reordered become one run; everything else stays text. */
function toRuns(pieces: readonly Piece[]): (string | Block[])[] {
  const runs: (string | Block[])[] = [];
  for (const piece of pieces.filter((_, position) => !isGap(pieces, position))) {
    const last = runs.at(-1);
    if (!isMovable(piece)) runs.push(textOf(piece));
    else if (typeof last === 'object' && last[0]?.partial === piece.partial) last.push(piece);
    else runs.push([piece]);
  }
  return runs;
}

function isMovable(piece: Piece | undefined): piece is Block {
  return typeof piece === 'object' && piece.place !== undefined;
}

/** Empty lines between blocks. */
function isGap(pieces: readonly Piece[], position: number): boolean {
  const piece = pieces[position];
  const isEmpty = typeof piece === 'string' && piece.trim() === '';
  return isEmpty && isMovable(pieces[position - 1]) && isMovable(pieces[position + 1]);
}

/** An administrator's template may write blocks of a kind in several places. */
function freeName(name: string, parts: ReadonlyMap<string, Part>): string {
  const isTaken = (candidate: string) => [...parts.keys()].some((path) => path.startsWith(`${candidate}-`));
  let free = name;
  for (let number = 2; isTaken(free); number++) free = `${name}${number}`;
  return free;
}
