import { CommanderError } from 'commander';
import { ApiError } from './api.ts';
import type { Command } from './command.ts';
import { type ExitCode, exitCodes, type Io, UsageError } from './io.ts';
import { createParser } from './parser.ts';

/** Runs one command line; the result is the exit code. Mistakes of ours are thrown. */
export async function runCli(
  argv: readonly string[],
  commands: readonly Command[],
  release: string,
  io: Io,
): Promise<ExitCode> {
  let code: ExitCode = exitCodes.done;
  const parser = createParser({
    commands,
    release,
    io,
    run: async (command, values, positionals) => {
      code = await command.run(values, positionals, io);
    },
  });
  const words = withoutHelp(argv, commands);
  try {
    await parser.parseAsync(words, { from: 'user' });
    return code;
  } catch (error) {
    return exitCodeOf(error, commands.find(({ name }) => name === words[0])?.name, io);
  }
}

/** `help lint` is `lint --help`. There is no help for unknown commands. */
function withoutHelp(argv: readonly string[], commands: readonly Command[]): readonly string[] {
  const [name = '--help', ...rest] = argv[0] === 'help' ? [argv[1] ?? '--help', '--help'] : argv;
  return name.startsWith('-') || commands.some((command) => command.name === name) ? [name, ...rest] : [name];
}

function exitCodeOf(error: unknown, name: string | undefined, io: Io): ExitCode {
  // Help and the version were printed.
  if (error instanceof CommanderError && error.exitCode === 0) return exitCodes.done;
  if (error instanceof CommanderError || error instanceof UsageError) {
    const message = error instanceof UsageError ? error.message : toSentences(error.message);
    io.err(`signalbox: ${message}\nSee: signalbox help${name === undefined ? '' : ` ${name}`}\n`);
    return exitCodes.usage;
  }
  if (!(error instanceof ApiError)) throw error;
  io.err(`signalbox: ${error.message}\n`);
  return error.refused ? exitCodes.found : exitCodes.unreachable;
}

/** From `error: unknown command 'stauts'` and, on a line of its own, `(Did you mean status?)`. */
function toSentences(message: string): string {
  const [what = '', suggestion] = message
    .replace(/^error: /, '')
    .replaceAll("'", '')
    .split('\n');
  const sentence = `${what.charAt(0).toUpperCase()}${what.slice(1).replace(/\.$/, '')}.`;
  return suggestion === undefined ? sentence : `${sentence} ${suggestion.slice(1, -1)}`;
}
