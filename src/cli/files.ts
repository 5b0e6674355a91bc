import { readFile } from 'node:fs/promises';
import { type Io, UsageError } from './io.ts';
import { systemMessage } from './system-message.ts';

/** Reads a file that the command line names. `-` is standard input. */
export async function readText(name: string, io: Pick<Io, 'readStdin'>): Promise<string> {
  if (name === '-') return io.readStdin();
  return readFile(name, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new UsageError(`Cannot read ${name}: ${systemMessage(error)}.`);
  });
}
