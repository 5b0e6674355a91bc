import { ApiError } from './api.ts';
import type { Command } from './command.ts';
import { commandHelp, generalHelp } from './help.ts';
import { type ExitCode, exitCodes, type Io, UsageError } from './io.ts';

/** Runs one command line; the result is the exit code. Mistakes of ours are thrown. */
export async function runCli(
  argv: readonly string[],
  commands: readonly Command[],
  release: string,
  io: Io,
): Promise<ExitCode> {
  const [name = 'help', ...rest] = argv;
  if (name === '--version' || name === 'version') {
    io.out(`${release}\n`);
    return exitCodes.done;
  }
  if (['help', '--help', '-h'].includes(name)) return help(rest[0], commands, io);
  const command = commands.find((candidate) => candidate.name === name);
  if (command === undefined) return misunderstood(`Unknown command ${name}.`, 'signalbox help', io);
  if (rest.includes('--help') || rest.includes('-h')) return help(name, commands, io);
  try {
    return await command.run(rest, io);
  } catch (error) {
    if (error instanceof UsageError) return misunderstood(error.message, `signalbox help ${name}`, io);
    if (!(error instanceof ApiError)) throw error;
    io.err(`signalbox: ${error.message}\n`);
    return error.refused ? exitCodes.found : exitCodes.unreachable;
  }
}

function help(name: string | undefined, commands: readonly Command[], io: Io): ExitCode {
  if (name === undefined) {
    io.out(generalHelp(commands, io));
    return exitCodes.done;
  }
  const command = commands.find((candidate) => candidate.name === name);
  if (command === undefined) return misunderstood(`Unknown command ${name}.`, 'signalbox help', io);
  io.out(commandHelp(command, io));
  return exitCodes.done;
}

function misunderstood(message: string, hint: string, io: Io): ExitCode {
  io.err(`signalbox: ${message}\nSee: ${hint}\n`);
  return exitCodes.usage;
}
