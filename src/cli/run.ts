import { CommanderError } from 'commander';
import { ApiError } from './api.ts';
import type { Command } from './command.ts';
import { type ExitCode, exitCodes, type Io, UsageError } from './io.ts';
import { createParser } from './parser.ts';

/** Runs one command line and resolves with the exit code. Throws only on bugs. */
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

/** Treats `help lint` as `lint --help`. Unknown commands have no help. */
function withoutHelp(argv: readonly string[], commands: readonly Command[]): readonly string[] {
  const [name = '--help', ...rest] = argv[0] === 'help' ? [argv[1] ?? '--help', '--help'] : argv;
  return name.startsWith('-') || commands.some((command) => command.name === name) ? [name, ...rest] : [name];
}

function exitCodeOf(error: unknown, name: string | undefined, io: Io): ExitCode {
  // The parser has printed the help or the version.
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

/** Converts `error: unknown command 'stauts'` and the next line, `(Did you mean status?)`, to our format. */
function toSentences(message: string): string {
  const [what = '', suggestion] = message
    .replace(/^error: /, '')
    .replaceAll("'", '')
    .split('\n');
  const sentence = `${what.charAt(0).toUpperCase()}${what.slice(1).replace(/\.$/, '')}.`;
  return suggestion === undefined ? sentence : `${sentence} ${suggestion.slice(1, -1)}`;
}
