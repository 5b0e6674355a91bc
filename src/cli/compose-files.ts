import { basename, dirname, resolve } from 'node:path';
import { parseEnv } from 'node:util';
import { type LoadedStack, loadStack } from '../compose/load.ts';
import { settingsFor, withGivenSecrets } from '../compose/settings.ts';
import { isStackName } from '../compose/stack-name.ts';
import type { SettingsResult } from '../model/settings/settings.ts';
import { type ReadSettings, readSettingsText } from '../model/settings/text.ts';
import type { Options, Values } from './command.ts';
import { readText } from './files.ts';
import { type Io, UsageError } from './io.ts';

/** Options of the commands that read compose files. */
export const composeOptions = {
  stack: {
    type: 'string',
    value: 'name',
    description: 'Stack name. Default: inferred from the labels that name a network or a secret, else the folder name.',
  },
  settings: {
    type: 'string',
    value: 'file',
    description: 'Settings file of Signalbox. Default: none; every service cluster and policy named by a label exists.',
  },
  'env-file': {
    type: 'string',
    value: 'file',
    description: 'File with variables, as NAME=value lines. Environment variables take precedence.',
  },
} as const satisfies Options;

export interface Loaded extends LoadedStack, SettingsResult {
  readonly files: readonly string[];
  /** Finds a key in the settings file. Undefined without such a file. */
  readonly placeOf: ReadSettings['placeOf'] | undefined;
}

/** Reads compose files and their settings file. `-` is standard input. */
export async function loadCompose(
  files: readonly string[],
  values: Values<typeof composeOptions>,
  io: Io,
): Promise<Loaded> {
  const [first] = files;
  if (first === undefined) throw new UsageError('Missing argument: compose file.');
  if (values.stack !== undefined && !isStackName(values.stack)) throw new UsageError('Invalid stack name.');
  const fromFile = values['env-file'] === undefined ? {} : parseEnv(await readText(values['env-file'], io));
  const loaded = loadStack(await Promise.all(files.map(async (name) => ({ name, text: await readText(name, io) }))), {
    variables: (name) => io.env[name] ?? fromFile[name],
    stackName: values.stack,
    fallbackName: folderName(first),
  });
  const file = values.settings;
  if (file === undefined)
    return { ...loaded, files, settings: settingsFor(loaded.snapshot, RELEASE), problems: [], placeOf: undefined };
  const read = await loadSettings(file, io);
  // With invalid settings, findings about the services would be wrong.
  const unreadable = read.problems.find(({ label }) => label === file);
  if (unreadable === undefined)
    return { ...loaded, files, ...read, snapshot: withGivenSecrets(loaded.snapshot, read.settings) };
  const { line, column } = read.placeOf(file);
  throw new UsageError(`${file}:${line}:${column}: is invalid TOML: ${unreadable.reason}`);
}

/** The name that the Docker command line derives from a folder. */
function folderName(file: string): string {
  const folder = basename(file === '-' ? process.cwd() : dirname(resolve(file)));
  const name = folder.toLowerCase().replaceAll(/[^a-z0-9_-]/g, '');
  return isStackName(name) ? name : 'stack';
}

/** Any release: it affects only image names. */
const RELEASE = '';

/** Reads a settings file. Invalid TOML becomes a problem with its place. */
export async function loadSettings(file: string, io: Io): Promise<ReadSettings> {
  return readSettingsText(await readText(file, io), file, RELEASE);
}
