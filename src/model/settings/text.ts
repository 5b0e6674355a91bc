import { parse, TomlError } from 'smol-toml';
import { type TomlPlaces, tomlPlaces } from '../../lib/toml-places.ts';
import type { Problem } from '../problem.ts';
import { problemKind } from '../problem-kind.ts';
import type { Images } from './clusters.ts';
import { parseSettings, type SettingsResult } from './settings.ts';

export const settingsUnreadable = problemKind({
  id: 'settings-unreadable',
  severity: 'error',
  meaning: `The settings file is not valid TOML. The last good settings stay in force.`,
  reason: (fault: string) => fault,
  remedy: 'Fix the file.',
  example: ['cannot be read: Invalid TOML document: unclosed string'],
  at: 'config.toml',
});

export interface ReadSettings extends SettingsResult {
  /** The position in the settings where a problem can be fixed, by the label that names its key. */
  readonly placeOf: (label: string | undefined) => NonNullable<Problem['place']>;
}

/** Parses settings; problems name the file, the line and the key. Text that is not TOML gives the defaults and one problem. */
export function readSettingsText(text: string, file: string, images: string | Images): ReadSettings {
  try {
    const { settings, problems } = parseSettings(parse(text), images);
    const placeOf = locator(tomlPlaces(text), file);
    return { settings, problems: problems.map((problem) => ({ ...problem, place: placeOf(problem.label) })), placeOf };
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    const { line, column, message } = error;
    const place = { file, line, column };
    const reason = `cannot be read: ${message.split('\n')[0]}`;
    const { settings } = parseSettings({}, images);
    const problem: Problem = { ...settingsUnreadable(reason), label: file, place };
    return { settings, problems: [problem], placeOf: () => place };
  }
}

/** Finds the key, or the table that lacks it. Key names are case-insensitive. */
function locator(places: TomlPlaces, file: string): ReadSettings['placeOf'] {
  const byLabel = new Map(places.toReversed().map(({ path, place }) => [path.join('.').toLowerCase(), place]));
  return (label = '') => {
    const names = label.toLowerCase().split('.');
    const known = names.map((_, dropped) => names.slice(0, names.length - dropped).join('.'));
    const place = known.map((name) => byLabel.get(name)).find((found) => found !== undefined);
    return { file, line: place?.line ?? 1, column: place?.column ?? 1 };
  };
}
