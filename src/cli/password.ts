import type { Options, Values } from './command.ts';
import { readText } from './files.ts';
import type { Io } from './io.ts';

export const passwordOption = {
  'password-file': {
    type: 'string',
    value: 'file',
    description:
      'File with the password, or - for standard input; or SIGNALBOX_PASSWORD_FILE, or the password in SIGNALBOX_PASSWORD. Default: prompts on the terminal.',
  },
} as const satisfies Options;

/** Reads a file or a variable, or else prompts on the terminal. Undefined without a terminal. */
export async function readPassword(
  values: Values<typeof passwordOption>,
  question: string,
  io: Io,
): Promise<string | undefined> {
  const file = values['password-file'] ?? io.env.SIGNALBOX_PASSWORD_FILE;
  if (file === undefined && io.env.SIGNALBOX_PASSWORD !== undefined) return io.env.SIGNALBOX_PASSWORD;
  if (io.ask !== undefined && (file === undefined || file === '-')) return io.ask(question, { hidden: true });
  return file === undefined ? undefined : (await readText(file, io)).replace(/\r?\n$/, '');
}
