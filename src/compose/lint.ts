import { buildDesiredState } from '../model/desired-state.ts';
import { type Problem, sortProblems, splitByLabel } from '../model/problem.ts';
import type { SettingsResult } from '../model/settings/settings.ts';
import type { ReadSettings } from '../model/settings/text.ts';
import { type Finding, sortFindings } from './finding.ts';
import type { LoadedStack } from './load.ts';
import { otherRouters } from './other-routers.ts';
import type { Place } from './tree.ts';

/** Everything that the controller would say of these services, and what it could not see, with the places to mend it. */
export function lintStack(loaded: LintInput, files: readonly string[]): Finding[] {
  const { clusters, problems } = buildDesiredState(loaded.snapshot, loaded.settings);
  const conflicts = clusters.flatMap(({ table }) => table.problems);
  const found = sortProblems([...loaded.problems, ...problems, ...conflicts])
    .flatMap(splitByLabel)
    .map((problem) => ({ ...problem, place: placeOf(problem, loaded, files) }));
  return sortFindings([...loaded.findings, ...otherRouters(loaded.stack), ...found], files);
}

export interface LintInput extends LoadedStack, SettingsResult {
  /** Where a settings file names a key; undefined without such a file. */
  readonly placeOf?: ReadSettings['placeOf'] | undefined;
}

/** The label that the problem is about; where it is missing, the place where it should stand. */
function placeOf({ service, label, place }: Problem, input: LintInput, files: readonly string[]): Place {
  const { stack, name } = input;
  // The cause is in the settings, even if it affects one service.
  if (label !== undefined && /^(?:Policies|Extensions)\./.test(label) && input.placeOf) return input.placeOf(label);
  const owner = stack.services.get(service?.slice(name.length + 1) ?? '');
  const start = { file: files[0] ?? '', line: 1, column: 1 };
  if (owner === undefined) return place ?? (service === undefined ? input.placeOf?.(label) : undefined) ?? start;
  const written = owner.labels.get(label ?? '') ?? owner.containerLabels.get(label ?? '');
  return written?.place ?? owner.labelsPlace;
}
