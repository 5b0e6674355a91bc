import type { ExitCode, Io } from './io.ts';

/** A command of `signalbox`. Parser, help, shell completion and documentation derive from it. */
export interface Command {
  readonly name: string;
  /** Arguments after the name, as help shows them. Empty if the command takes none. */
  readonly usage: string;
  /** Values of the first argument, for shell completion. */
  readonly words?: readonly string[];
  readonly summary: string;
  readonly details: string;
  /** Complete command lines. */
  readonly examples: readonly [string, ...string[]];
  readonly options: Options;
  readonly run: (values: Values<Options>, positionals: readonly string[], io: Io) => Promise<ExitCode>;
}

export interface Option {
  readonly type: 'string' | 'boolean';
  /** Placeholder of the value in help. */
  readonly value?: string;
  /** Its value is the list of all given values. */
  readonly repeatable?: true;
  readonly description: string;
}

export type Options = Readonly<Record<string, Option>>;

export type Values<T extends Options> = {
  readonly [Name in keyof T]?: T[Name]['type'] extends 'boolean'
    ? boolean
    : T[Name] extends { readonly repeatable: true }
      ? readonly string[]
      : string;
};

export interface Definition<T extends Options> extends Omit<Command, 'run' | 'options'> {
  readonly options: T;
  readonly run: (values: Values<T & typeof jsonOption>, positionals: readonly string[], io: Io) => Promise<ExitCode>;
}

/** An option of every command. */
export const jsonOption = {
  json: { type: 'boolean', description: 'Print JSON.' },
} as const satisfies Options;

export function defineCommand<const T extends Options>(definition: Definition<T>): Command {
  const options = { ...definition.options, ...jsonOption };
  return { ...definition, options, run: definition.run as Command['run'] };
}

/** `--cluster <name>` */
export function flagsOf(name: string, { type, value = name }: Option): string {
  return type === 'boolean' ? `--${name}` : `--${name} <${value}>`;
}
