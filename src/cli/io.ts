import { styleText } from 'node:util';

/** The process, as commands use it: output, input and environment. */
export interface Io {
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
  /** Whether `out` is a terminal that shows colors. */
  readonly color: boolean;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly readStdin: () => Promise<string>;
  /** Prompts the user. Undefined without a terminal. */
  readonly ask?: Ask | undefined;
}

/** Resolves with the typed line. If `hidden`, the terminal does not show it. */
export type Ask = (question: string, options?: { readonly hidden?: boolean }) => Promise<string>;

export const exitCodes = {
  done: 0,
  found: 1,
  usage: 2,
  unreachable: 3,
} as const;
export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

export const exitCodeMeanings: Readonly<Record<ExitCode, string>> = {
  0: 'Success.',
  1: 'Errors were found, no service answers the URL, the versions differ, or the change was rejected.',
  2: 'The command is invalid, or a file cannot be read.',
  3: 'The API cannot be reached, or sign-in failed.',
};

/** An invalid command line. */
export class UsageError extends Error {}

type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'cyan';

export function paint({ color }: Pick<Io, 'color'>, style: Style, text: string): string {
  return color ? styleText(style, text, { validateStream: false }) : text;
}

export function writeJson(io: Io, value: unknown): void {
  io.out(`${JSON.stringify(value, null, 2)}\n`);
}
