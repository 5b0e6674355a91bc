import type { Snapshot } from '../model/snapshot.ts';
import type { Finding } from './finding.ts';
import { mergeStacks } from './merge.ts';
import { parseYaml } from './parse-yaml.ts';
import { readStack, type Stack } from './stack.ts';
import { guessStackName } from './stack-name.ts';
import type { Variables } from './substitute.ts';
import { toSnapshot, undefinedNetworks } from './to-snapshot.ts';

export interface ComposeFile {
  /** As findings show it. */
  readonly name: string;
  readonly text: string;
}

export interface LoadOptions {
  readonly variables: Variables;
  /** Undefined: as labels tell, and otherwise `fallbackName`. */
  readonly stackName: string | undefined;
  readonly fallbackName: string;
}

export interface LoadedStack {
  readonly name: string;
  readonly stack: Stack;
  readonly snapshot: Snapshot;
  /** What is wrong with the files themselves, before any label is looked at. */
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
    findings: [...[...parsed, ...read].flatMap(({ findings }) => findings), ...undefinedNetworks(stack)],
  };
}
