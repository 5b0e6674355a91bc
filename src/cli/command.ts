import { parseArgs } from 'node:util';
import { type ExitCode, type Io, UsageError } from './io.ts';

/** A command of `signalbox`: its help and its page in the documentation come from here. */
export interface Command {
  readonly name: string;
  /** Arguments behind the name, as help shows them. */
  readonly usage: string;
  readonly summary: string;
  readonly details: string;
  readonly options: Options;
  readonly run: (argv: readonly string[], io: Io) => Promise<ExitCode>;
}

export interface Option {
  readonly type: 'string' | 'boolean';
  /** Stands for the value in help. */
  readonly value?: string;
  readonly description: string;
}

export type Options = Readonly<Record<string, Option>>;

export type Values<T extends Options> = {
  readonly [Name in keyof T]?: T[Name]['type'] extends 'boolean' ? boolean : string;
};

export interface Definition<T extends Options> extends Omit<Command, 'run' | 'options'> {
  readonly options: T;
  readonly run: (values: Values<T & typeof jsonOption>, positionals: readonly string[], io: Io) => Promise<ExitCode>;
}

/** Every command has it. */
export const jsonOption = {
  json: { type: 'boolean', description: 'Print JSON.' },
} as const satisfies Options;

export function defineCommand<const T extends Options>({ run, ...definition }: Definition<T>): Command {
  const options = { ...definition.options, ...jsonOption };
  return {
    ...definition,
    options,
    run: async (argv, io) => {
      const { values, positionals } = parse(argv, options);
      return run(values as Values<T & typeof jsonOption>, positionals, io);
    },
  };
}

function parse(argv: readonly string[], options: Options) {
  const config = Object.fromEntries(Object.entries(options).map(([name, { type }]) => [name, { type }]));
  try {
    return parseArgs({ args: [...argv], options: config, allowPositionals: true });
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}
