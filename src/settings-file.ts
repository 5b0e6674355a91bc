import { readFile } from 'node:fs/promises';
import { parse } from 'smol-toml';
import type { Problem } from './model/problem.ts';
import { parseSettings, type SettingsResult } from './model/settings.ts';

/** Where the last good settings are kept. */
export interface LastGood {
  load(): Promise<string | undefined>;
  save(text: string): Promise<void>;
}

/**
 * Settings of a file. One with a mistake changes nothing: the last good ones stay in force, and the mistakes are problems. Without last
 * good ones each bad key takes its default.
 */
export async function loadSettings(path: string, release: string, lastGood: LastGood): Promise<SettingsResult> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '';
    throw error;
  });
  const fresh = parseText(text, path, release);
  if (!fresh.problems.some(({ severity }) => severity === 'error')) {
    await lastGood.save(text);
    return fresh;
  }
  const kept = await lastGood.load();
  if (kept === undefined) return fresh;
  return { settings: parseText(kept, path, release).settings, problems: [...fresh.problems, keptNotice(path)] };
}

/** Only what the connection to the Engine needs, before anything else is known. */
export async function readCoreSettings(path: string, release: string) {
  const text = await readFile(path, 'utf8').catch(() => '');
  return parseText(text, path, release).settings.core;
}

function parseText(text: string, path: string, release: string): SettingsResult {
  try {
    return parseSettings(parse(text), release);
  } catch (error) {
    const reason = `cannot be read: ${(error as Error).message}`;
    const { settings } = parseSettings({}, release);
    return { settings, problems: [{ severity: 'error', label: path, reason, remedy: 'Correct the file.' }] };
  }
}

function keptNotice(path: string): Problem {
  return {
    severity: 'notice',
    label: path,
    reason: 'has mistakes, so the last good settings stay in force',
    remedy: 'Correct the keys named in the other problems.',
  };
}
