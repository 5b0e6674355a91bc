import { buildDesiredState } from '../model/desired-state.ts';
import { isHrmLabel } from '../model/hrm.ts';
import { LABEL_PREFIX } from '../model/labels.ts';
import { type Problem, sortProblems } from '../model/problem.ts';
import { buildRouteTable } from '../model/route-table.ts';
import type { SettingsResult } from '../model/settings.ts';
import { type Finding, sortFindings } from './finding.ts';
import type { LoadedStack } from './load.ts';
import type { Stack, StackService } from './stack.ts';
import type { Place } from './tree.ts';

/** Everything that the controller would say of these services, and what it could not see, with the places to mend it. */
export function lintStack(loaded: LintInput, files: readonly string[]): Finding[] {
  const { clusters, problems } = buildDesiredState(loaded.snapshot, loaded.settings);
  const conflicts = clusters.flatMap(({ routes }) => buildRouteTable(routes).problems);
  const found = sortProblems([...loaded.problems, ...problems, ...conflicts]).map((problem) => ({
    ...problem,
    place: placeOf(problem, loaded, files),
  }));
  return sortFindings([...loaded.findings, ...misplacedLabels(loaded.stack), ...found], files);
}

export interface LintInput extends LoadedStack, SettingsResult {}

/** The label that the problem is about; where it is missing, the place where it should stand. */
function placeOf({ service, label }: Problem, { stack, name }: LoadedStack, files: readonly string[]): Place {
  const owner = stack.services.get(service?.slice(name.length + 1) ?? '');
  const start = { file: files[0] ?? '', line: 1, column: 1 };
  if (owner === undefined) return start;
  return owner.labels.get(label ?? '')?.place ?? owner.labelsPlace;
}

function misplacedLabels({ services }: Stack): Finding[] {
  return [...services].flatMap(([name, service]) => misplacedIn(name, service));
}

/** `docker compose` puts labels of a container where a swarm never looks. */
function misplacedIn(service: string, { labels, containerLabels }: StackService): Finding[] {
  return [...containerLabels]
    .filter(([label]) => (label.startsWith(LABEL_PREFIX) || isHrmLabel(label)) && !labels.has(label))
    .map(([label, { value, place }]) => ({
      severity: 'error',
      service,
      label,
      value,
      reason: 'stands on the containers, where nothing reads it',
      remedy: 'Move it to "labels:" below "deploy:".',
      place,
    }));
}
