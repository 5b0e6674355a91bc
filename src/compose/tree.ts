import type { ScalarType } from './go-scalar.ts';

/** Where something stands, both counted from 1. */
export interface Place {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** A YAML document whose every part knows its place; aliases and merge keys are resolved. */
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
  /** Of the key. */
  readonly place: Place;
  readonly value: Tree;
}

export const noEntries: ReadonlyMap<string, Entry> = new Map();

/** What stands below a path of keys; undefined where there is nothing. */
export function below(tree: Tree | undefined, ...path: readonly string[]): Tree | undefined {
  return path.reduce<Tree | undefined>((at, key) => entriesOf(at).get(key)?.value, tree);
}

export function entriesOf(tree: Tree | undefined): ReadonlyMap<string, Entry> {
  return tree?.kind === 'mapping' ? tree.entries : noEntries;
}

export function itemsOf(tree: Tree | undefined): readonly Tree[] {
  return tree?.kind === 'sequence' ? tree.items : [];
}
