import { readFileSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { commands } from './commands.ts';
import { runCli } from './run.ts';
import { askTerminal } from './terminal.ts';

/** The command line `signalbox`. */
const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

// A reader such as `head` may close the pipe early. This is not an error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));

process.exitCode = await runCli(process.argv.slice(2), commands, version, {
  out: (output) => process.stdout.write(output),
  err: (output) => process.stderr.write(output),
  color: process.stdout.hasColors?.() ?? false,
  env: process.env,
  readStdin: () => text(process.stdin),
  ask: process.stdin.isTTY && process.stderr.isTTY ? askTerminal : undefined,
});
