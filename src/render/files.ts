import { sameItems } from '../lib/memo.ts';
import { fileDigest } from '../model/version-digest.ts';
import type { Block, Piece } from './blocks.ts';

/** A file of a configuration. */
export interface RenderedFile {
  /** Relative to the folder of the main file. */
  readonly path: string;
  /** Names the content; of the main file, the whole configuration. */
  readonly digest: string;
  readonly text: string;
}

/** Up to here a configuration is one file, easy to read. */
const WHOLE_LENGTH = 256 * 1024;
/** Small enough that a change costs little, large enough that there are not too many. A Docker config holds less than 1,000 KiB. */
const PART_LENGTH = 128 * 1024;
/** A part is divided further from here on: a few large blocks may come to be in the same one. */
const MOST_LENGTH = 640 * 1024;
/** Of one kind; in a larger configuration the parts grow instead. */
const MOST_PARTS = 128;
/** Not worth a file. */
const LEAST_LENGTH = 32 * 1024;

interface Part extends RenderedFile {
  readonly blocks: readonly Block[];
}

/** Divides a configuration that is too large for one file: its main file, in pieces of text, and the parts that it includes. */
export class FileDivider {
  readonly #cluster: string;
  /** Those of the last time, by path. */
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

  /** By powers of two, and by what the blocks are about: one more or less moves no other. */
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

/** In the order of the blocks, each as large as it may be; one block alone may be larger. */
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

/** Blocks of a kind that follow each other and may change places become one run; everything else is text. */
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

/** A template of the administrator's own may write blocks of a kind in several places. */
function freeName(name: string, parts: ReadonlyMap<string, Part>): string {
  const isTaken = (candidate: string) => [...parts.keys()].some((path) => path.startsWith(`${candidate}-`));
  let free = name;
  for (let number = 2; isTaken(free); number++) free = `${name}${number}`;
  return free;
}
