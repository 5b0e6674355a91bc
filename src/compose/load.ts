import { problemKind } from '../model/problem-kind.ts';
import type { Snapshot } from '../model/snapshot.ts';
import { composeInvalid, LAST_VERSION } from './check.ts';
import type { Finding } from './finding.ts';
import { mergeStacks } from './merge.ts';
import { type ParsedYaml, parseYaml } from './parse-yaml.ts';
import { readStack, type Stack } from './stack.ts';
import { guessStackName } from './stack-name.ts';
import type { Variables } from './substitute.ts';
import { toSnapshot, undefinedNetworks } from './to-snapshot.ts';
import { below, type Tree } from './tree.ts';

export const composeEmpty = problemKind({
  id: 'compose-empty',
  severity: 'warning',
  meaning: `The compose files have no services.`,
  reason: () => 'has no services',
  remedy: 'Add services to one of the files.',
  example: [],
});

export interface ComposeFile {
  /** Name for findings. */
  readonly name: string;
  readonly text: string;
}

export interface LoadOptions {
  readonly variables: Variables;
  /** If undefined, the name is inferred from labels, or else `fallbackName`. */
  readonly stackName: string | undefined;
  readonly fallbackName: string;
}

export interface LoadedStack {
  readonly name: string;
  readonly stack: Stack;
  readonly snapshot: Snapshot;
  /** Problems of the files themselves. Labels are checked later. */
  readonly findings: readonly Finding[];
}

export function loadStack(files: readonly ComposeFile[], options: LoadOptions): LoadedStack {
  const parsed = files.map(({ name, text }) => parseYaml(name, text));
  const read = parsed.map(({ tree }) => readStack(tree, options.variables));
  const stack = mergeStacks(read.map((file) => file.stack));
  const name = options.stackName ?? guessStackName(stack) ?? options.fallbackName;
  return {
    name,
    stack,
    snapshot: toSnapshot(stack, name),
    findings: [
      ...differentVersions(parsed.map(({ tree }) => tree)),
      ...noServices(stack, parsed),
      ...[...parsed, ...read].flatMap(({ findings }) => findings),
      ...undefinedNetworks(stack),
    ],
  };
}

/** Reports files with different versions: `docker stack deploy` rejects them. */
function differentVersions(trees: readonly (Tree | undefined)[]): Finding[] {
  const [first, ...others] = trees.map((tree) => below(tree, 'version'));
  const textOf = (tree: Tree | undefined) => {
    const text = (tree?.kind === 'scalar' && tree.text) || LAST_VERSION;
    return text === '3' ? '3.0' : text;
  };
  return others.flatMap((other, position) => {
    if (textOf(other) === textOf(first)) return [];
    const place = other?.place ?? trees[position + 1]?.place;
    const reason = 'has a different version than the first file: docker stack deploy rejects the file';
    return place === undefined ? [] : [{ ...composeInvalid(reason, 'Give all files the same version.'), place }];
  });
}

/** Reports files without services: Docker accepts them and deploys nothing. */
function noServices({ services }: Stack, [first]: readonly ParsedYaml[]): Finding[] {
  const place = first?.tree?.place;
  if (services.size > 0 || place === undefined) return [];
  return [{ ...composeEmpty(), place }];
}
