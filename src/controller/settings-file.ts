import { readFile } from 'node:fs/promises';
import type { Problem } from '../model/problem.ts';
import { problemKind } from '../model/problem-kind.ts';
import type { Images } from '../model/settings/clusters.ts';
import type { SettingsResult } from '../model/settings/settings.ts';
import { readSettingsText } from '../model/settings/text.ts';

export const settingsKept = problemKind({
  id: 'settings-kept',
  severity: 'notice',
  meaning: `The settings file has mistakes. All of the last good settings stay in force.`,
  reason: () => 'has mistakes, so the last good settings stay in force',
  remedy: 'Correct the keys named in the other problems.',
  example: [],
  at: '/config.toml',
});

/** Stores the last valid settings. */
export interface LastGood {
  load(): Promise<string | undefined>;
  save(text: string): Promise<void>;
}

export interface LoadedSettings extends SettingsResult {
  /** The text stored as the last valid settings; undefined if there is none. */
  readonly kept: string | undefined;
}

/**
 * Loads settings from a file. A file with errors changes nothing: the last valid settings stay in use, and the errors are reported as problems.
 * Without last valid settings, each invalid key takes its default.
 */
export async function loadSettings(path: string, images: string | Images, lastGood: LastGood): Promise<LoadedSettings> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '';
    throw error;
  });
  const fresh = readSettingsText(text, path, images);
  if (!fresh.problems.some(({ severity }) => severity === 'error')) {
    await lastGood.save(text);
    return { ...toResult(fresh), kept: text };
  }
  const kept = await lastGood.load();
  if (kept === undefined) return { ...toResult(fresh), kept };
  const { settings } = readSettingsText(kept, path, images);
  return { settings, problems: [...fresh.problems, keptNotice(path)], kept };
}

/** Reads only the settings for the connection to the Engine, which is required first. */
export async function readCoreSettings(path: string, images: string | Images) {
  const text = await readFile(path, 'utf8').catch(() => '');
  return readSettingsText(text, path, images).settings.core;
}

function toResult({ settings, problems }: SettingsResult): SettingsResult {
  return { settings, problems };
}

function keptNotice(path: string): Problem {
  return {
    ...settingsKept(),
    label: path,
  };
}
