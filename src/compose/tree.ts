import type { ScalarType } from './go-scalar.ts';

/** A position in a file. Lines and columns start at 1. */
export interface Place {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** A part of a YAML document, with its place. Aliases and merge keys are resolved. */
export type Tree = Scalar | Sequence | Mapping;

export interface Scalar {
  readonly kind: 'scalar';
  readonly type: ScalarType;
  readonly text: string;
  readonly place: Place;
}

export interface Sequence {
  readonly kind: 'sequence';
  readonly items: readonly Tree[];
  readonly place: Place;
}

export interface Mapping {
  readonly kind: 'mapping';
  readonly entries: ReadonlyMap<string, Entry>;
  readonly place: Place;
}

export interface Entry {
  /** Place of the key. */
  readonly place: Place;
  readonly value: Tree;
}

export const noEntries: ReadonlyMap<string, Entry> = new Map();

/** The value at a path of keys. Undefined if a key is missing. */
export function below(tree: Tree | undefined, ...path: readonly string[]): Tree | undefined {
  return path.reduce<Tree | undefined>((at, key) => entriesOf(at).get(key)?.value, tree);
}

export function entriesOf(tree: Tree | undefined): ReadonlyMap<string, Entry> {
  return tree?.kind === 'mapping' ? tree.entries : noEntries;
}

export function itemsOf(tree: Tree | undefined): readonly Tree[] {
  return tree?.kind === 'sequence' ? tree.items : [];
}
