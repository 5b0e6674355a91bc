import { execa } from 'execa';

export class CommandFailed extends Error {
  readonly command: string;
  readonly output: string;

  constructor(command: string, code: number | string, output: string) {
    super(`${command} failed (${code})\n${lastLines(output, 30)}`);
    this.name = 'CommandFailed';
    this.command = command;
    this.output = output;
  }
}

export interface RunOptions {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  readonly input?: string;
  readonly timeoutMs?: number;
}

/** Runs a command, which ends with this process, and resolves with its stdout. Throws CommandFailed with all of its output. */
export async function run(
  command: string,
  args: readonly string[],
  { timeoutMs = 0, env = process.env, input = '', ...place }: RunOptions = {},
): Promise<string> {
  const result = await execa(command, args, {
    ...place,
    env,
    extendEnv: false,
    input,
    timeout: timeoutMs,
    all: true,
    reject: false,
    stripFinalNewline: false,
  });
  if (!result.failed) return result.stdout;
  const code = result.exitCode ?? result.signal;
  if (code === undefined) throw result;
  throw new CommandFailed([command, ...args].join(' '), code, result.all);
}

/** Runs a command, which ends with this process, on our terminal and resolves with its exit code. */
export async function runInForeground(
  command: string,
  args: readonly string[],
  { env = process.env, ...place }: Pick<RunOptions, 'cwd' | 'env'> = {},
): Promise<number> {
  const result = await execa(command, args, { ...place, env, extendEnv: false, stdio: 'inherit', reject: false });
  if (result.exitCode === undefined && result.signal === undefined) throw result;
  return result.exitCode ?? 1;
}

export async function isOnPath(command: string): Promise<boolean> {
  return run('sh', ['-c', 'command -v "$0"', command]).then(
    () => true,
    () => false,
  );
}

export const lastLines = (text: string, count: number): string => text.trimEnd().split('\n').slice(-count).join('\n');
