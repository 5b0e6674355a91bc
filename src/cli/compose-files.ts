import { readFile } from 'node:fs/promises';
import { basename, dirname, resolve } from 'node:path';
import { parseEnv } from 'node:util';
import { parse } from 'smol-toml';
import { type LoadedStack, loadStack } from '../compose/load.ts';
import { settingsFor } from '../compose/settings.ts';
import { isStackName } from '../compose/stack-name.ts';
import { parseSettings, type SettingsResult } from '../model/settings.ts';
import type { Options, Values } from './command.ts';
import { type Io, UsageError } from './io.ts';

/** Options of the commands that read compose files. */
export const composeOptions = {
  stack: {
    type: 'string',
    value: 'name',
    description: 'Name of the stack. Default: as labels tell that name a network or a secret, else the folder.',
  },
  settings: {
    type: 'string',
    value: 'file',
    description: 'Settings of Signalbox. Default: none, and every service cluster that a label names is set up.',
  },
  'env-file': {
    type: 'string',
    value: 'file',
    description: 'Variables, as NAME=value lines. Those of the environment go before them.',
  },
} as const satisfies Options;

export interface Loaded extends LoadedStack, SettingsResult {
  readonly files: readonly string[];
}

/** Reads compose files, and the settings they are for. `-` is standard input. */
export async function loadCompose(
  files: readonly string[],
  values: Values<typeof composeOptions>,
  io: Io,
): Promise<Loaded> {
  const [first] = files;
  if (first === undefined) throw new UsageError('Which compose file?');
  if (values.stack !== undefined && !isStackName(values.stack)) throw new UsageError('That is no name for a stack.');
  const fromFile = values['env-file'] === undefined ? {} : parseEnv(await readText(values['env-file'], io));
  const loaded = loadStack(await Promise.all(files.map(async (name) => ({ name, text: await readText(name, io) }))), {
    variables: (name) => io.env[name] ?? fromFile[name],
    stackName: values.stack,
    fallbackName: folderName(first),
  });
  const { settings, problems } = await readSettings(values.settings, loaded, io);
  return { ...loaded, files, settings, problems };
}

/** As the docker command line names projects after their folders. */
function folderName(file: string): string {
  const folder = basename(file === '-' ? process.cwd() : dirname(resolve(file)));
  const name = folder.toLowerCase().replaceAll(/[^a-z0-9_-]/g, '');
  return isStackName(name) ? name : 'stack';
}

/** Only names of images depend on the release. */
const RELEASE = '';

async function readSettings(file: string | undefined, { snapshot }: LoadedStack, io: Io): Promise<SettingsResult> {
  if (file === undefined) return { settings: settingsFor(snapshot, RELEASE), problems: [] };
  const text = await readText(file, io);
  try {
    return parseSettings(parse(text), RELEASE);
  } catch (error) {
    throw new UsageError(`${file} is not TOML: ${(error as Error).message}`);
  }
}

async function readText(name: string, io: Io): Promise<string> {
  if (name === '-') return io.readStdin();
  return readFile(name, 'utf8').catch((error: Error) => {
    throw new UsageError(`Cannot read ${name}: ${error.message}`);
  });
}
