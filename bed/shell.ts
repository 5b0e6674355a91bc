import { type SpawnOptions, spawn } from 'node:child_process';

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

/** Runs a command and resolves with its stdout. Throws CommandFailed with all of its output. */
export function run(command: string, args: readonly string[], options: RunOptions = {}): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const child = spawn(command, args, {
    cwd: options.cwd,
    env: options.env ?? process.env,
    timeout: options.timeoutMs,
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let stdout = '';
  let all = '';
  child.stdout.on('data', (chunk: Buffer) => {
    stdout += chunk;
    all += chunk;
  });
  child.stderr.on('data', (chunk: Buffer) => {
    all += chunk;
  });
  // A command that does not read its input closes the pipe early. Its exit code reports the result.
  child.stdin.on('error', () => {});
  child.stdin.end(options.input ?? '');
  child.on('error', reject);
  child.on('close', (code, signal) =>
    code === 0 ? resolve(stdout) : reject(new CommandFailed([command, ...args].join(' '), code ?? signal ?? '?', all)),
  );
  return promise;
}

/** Runs a command on our terminal and resolves with its exit code. */
export function runInForeground(command: string, args: readonly string[], options: SpawnOptions = {}): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const child = spawn(command, args, { stdio: 'inherit', ...options });
  // A terminal sends its signals to both processes. A supervisor ends only this one, and the command would keep
  // running.
  const end = (signal: NodeJS.Signals) => {
    child.kill(signal);
    process.off('SIGTERM', end);
    process.kill(process.pid, signal);
  };
  process.on('SIGTERM', end);
  child.on('error', reject);
  child.on('close', (code, signal) => resolve(code ?? (signal ? 1 : 0)));
  return promise.finally(() => process.off('SIGTERM', end));
}

export async function isOnPath(command: string): Promise<boolean> {
  return run('sh', ['-c', 'command -v "$0"', command]).then(
    () => true,
    () => false,
  );
}

export const lastLines = (text: string, count: number): string => text.trimEnd().split('\n').slice(-count).join('\n');
