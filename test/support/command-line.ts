import { commands } from '../../src/cli/commands.ts';
import type { Io } from '../../src/cli/io.ts';
import { runCli } from '../../src/cli/run.ts';

export interface Outcome {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Runs `signalbox` with these arguments in this process. */
export async function signalbox(
  argv: readonly string[],
  { stdin = '', ...io }: Partial<Pick<Io, 'env' | 'color' | 'ask'>> & { readonly stdin?: string } = {},
): Promise<Outcome> {
  const written = { out: '', err: '' };
  const code = await runCli(argv, commands, '1.2.3', {
    out: (text) => {
      written.out += text;
    },
    err: (text) => {
      written.err += text;
    },
    color: false,
    env: {},
    readStdin: async () => stdin,
    ...io,
  });
  return { code, ...written };
}
