import { createHash } from 'node:crypto';
import { memoize } from '../lib/memo.ts';

/** What one partial writes for one host or one upstream: the piece by which configurations change. */
export interface Block {
  readonly partial: string;
  readonly text: string;
  /** A number that stays with its host or upstream; undefined where the order of blocks matters. */
  readonly place: number | undefined;
}

/** Fields of a host or an upstream, as far as they tell where its block belongs. */
interface BlockFields {
  readonly host?: { readonly kind: string; readonly name: string };
  readonly peers?: readonly { readonly endpoint: string }[];
}

type Write = (fields: object) => string;

/** Either a text as it is, or a block. */
export type Piece = string | Block;

/** Nothing that may stand in a configuration. */
const MARK = /\0(\d+)\0/;

/**
 * Partials that leave a mark in the text where their block belongs, so that blocks can be kept from one rendering to the next, and be
 * moved to other files. A block is made from its own fields alone, and once for the same fields.
 */
export class Blocks {
  #left: Block[] = [];
  #depth = 0;

  partial(name: string, write: Write): Write {
    const block = memoize((fields: object): Block => {
      this.#depth += 1;
      try {
        return { partial: name, text: write(fields), place: placeOf(fields) };
      } finally {
        this.#depth -= 1;
      }
    });
    return (fields) => {
      const made = block(fields);
      // Inside of another block it is a part of that.
      return this.#depth > 0 ? made.text : `\0${this.#left.push(made) - 1}\0`;
    };
  }

  /** The text that a template gives, in pieces. */
  collect(render: () => string): Piece[] {
    this.#left = [];
    const text = render();
    const left = this.#left;
    this.#left = [];
    // Texts and numbers of marks take turns.
    return text.split(MARK).map((piece, position) => (position % 2 === 0 ? piece : (left[Number(piece)] ?? '')));
  }
}

/** nginx tries regular expressions in the order in which they are written. */
function placeOf({ host, peers }: BlockFields): number | undefined {
  if (host?.kind === 'regex') return undefined;
  const key = host?.name ?? peers?.[0]?.endpoint;
  return key === undefined ? undefined : createHash('sha256').update(key).digest().readUInt32BE();
}
