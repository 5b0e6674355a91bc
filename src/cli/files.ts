import { readFile, writeFile } from 'node:fs/promises';
import { systemMessage } from '../lib/system-message.ts';
import { type Io, UsageError } from './io.ts';

/** Reads a file named on the command line. `-` is standard input. */
export async function readText(name: string, io: Pick<Io, 'readStdin'>): Promise<string> {
  if (name === '-') return io.readStdin();
  return readFile(name, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new UsageError(`Cannot read ${name}: ${systemMessage(error)}.`);
  });
}

export async function writeText(name: string, text: string): Promise<void> {
  await writeFile(name, text).catch((error: NodeJS.ErrnoException) => {
    throw new UsageError(`Cannot write ${name}: ${systemMessage(error)}.`);
  });
}
