import { buildDesiredState } from '../model/desired-state.ts';
import { type Problem, sortProblems, splitByLabel } from '../model/problem.ts';
import type { SettingsResult } from '../model/settings/settings.ts';
import type { ReadSettings } from '../model/settings/text.ts';
import { type Finding, sortFindings } from './finding.ts';
import type { LoadedStack } from './load.ts';
import { otherRouters } from './other-routers.ts';
import type { Place } from './tree.ts';

/** Problems that the controller would report for these services, problems of the files themselves, and the places to fix them. */
export function lintStack(loaded: LintInput, files: readonly string[]): Finding[] {
  const { clusters, problems } = buildDesiredState(loaded.snapshot, loaded.settings);
  const conflicts = clusters.flatMap(({ table }) => table.problems);
  const found = sortProblems([...loaded.problems, ...problems, ...conflicts])
    .flatMap(splitByLabel)
    .map((problem) => ({ ...problem, place: placeOf(problem, loaded, files) }));
  return sortFindings([...loaded.findings, ...otherRouters(loaded.stack), ...found], files);
}

export interface LintInput extends LoadedStack, SettingsResult {
  /** Finds a key in the settings file. Undefined without such a file. */
  readonly placeOf?: ReadSettings['placeOf'] | undefined;
}

/** The place of the problem's label. If the service does not have the label, the place to add it. */
function placeOf({ service, label, place }: Problem, input: LintInput, files: readonly string[]): Place {
  const { stack, name } = input;
  // The cause is in the settings, even if only one service is affected.
  if (label !== undefined && /^(?:Policies|Extensions)\./.test(label) && input.placeOf) return input.placeOf(label);
  const owner = stack.services.get(service?.slice(name.length + 1) ?? '');
  const start = { file: files[0] ?? '', line: 1, column: 1 };
  if (owner === undefined) return place ?? (service === undefined ? input.placeOf?.(label) : undefined) ?? start;
  const written = owner.labels.get(label ?? '') ?? owner.containerLabels.get(label ?? '');
  return written?.place ?? owner.labelsPlace;
}
