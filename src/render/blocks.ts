import { digest } from '../lib/digest.ts';
import { memoize } from '../lib/memo.ts';

/** The output of a partial for one host or one upstream: the unit by which configurations change. */
export interface Block {
  readonly partial: string;
  readonly text: string;
  /** A number that stays with its host or upstream; undefined if the order of blocks matters. */
  readonly place: number | undefined;
}

/** Fields of a host or an upstream that determine the place of its block. */
interface BlockFields {
  readonly host?: { readonly kind: string; readonly name: string };
  readonly peers?: readonly { readonly endpoint: string }[];
}

type Write = (fields: object) => string;

/** Either plain text or a block. */
export type Piece = string | Block;

/** Never appears in a configuration. */
const MARK = /\0(\d+)\0/;

/**
 * Partials that leave a mark in the text at the place of their block, so that blocks can be cached between renderings and moved to other files. A
 * block depends only on its own fields and is rendered once for the same fields.
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
      // A block inside another block is a part of it.
      return this.#depth > 0 ? made.text : `\0${this.#left.push(made) - 1}\0`;
    };
  }

  /** Splits a template's output into text and blocks. */
  collect(render: () => string): Piece[] {
    this.#left = [];
    const text = render();
    const left = this.#left;
    this.#left = [];
    // Text and mark numbers alternate.
    return text.split(MARK).map((piece, position) => (position % 2 === 0 ? piece : (left[Number(piece)] ?? '')));
  }
}

/** nginx tries regular expressions in the order in which they appear. */
function placeOf({ host, peers }: BlockFields): number | undefined {
  if (host?.kind === 'regex') return undefined;
  const key = host?.name ?? peers?.[0]?.endpoint;
  return key === undefined ? undefined : Number.parseInt(digest(key).slice(0, 8), 16);
}
