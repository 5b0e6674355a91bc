import { useMemo } from 'preact/hooks';
import type { State } from '../../controller/admin/state.ts';
import { filterProblems, groupProblems, severityOrder } from '../../model/problem-groups.ts';
import { count } from '../lib/format.ts';
import type { Place } from '../lib/place.ts';
import { concerns, type Problem } from '../lib/problems.ts';
import { replaceQuery } from '../location.ts';
import { Filter } from '../parts/filter.tsx';
import { Empty } from '../parts/notes.tsx';
import { ProblemGroupCard } from './problems/group.tsx';

const titles = { error: 'errors', warning: 'warnings', notice: 'notices' } as const;

/** Problems by kind and cause, each with its fix, the worst first. */
export function Problems({ state, place }: { readonly state: State; readonly place: Place }) {
  const { service, filter = '', severity = '' } = place.query;
  const { problems } = state;
  const own = useMemo(
    () => (service === undefined ? problems : problems.filter((problem) => concerns(problem, service))),
    [problems, service],
  );
  const found = useMemo(() => filterProblems(own, { text: filter }), [own, filter]);
  const groups = useMemo(
    () => groupProblems(found.filter((problem) => severity === '' || problem.severity === severity)),
    [found, severity],
  );
  if (problems.length === 0)
    return (
      <Empty title="No problems" aspect="clear">
        {state.services.length === 0
          ? 'Invalid labels are listed here, each with its fix.'
          : `The labels of ${count(state.services.length, 'service')} are valid.`}
      </Empty>
    );
  const shown = groups.reduce((sum, group) => sum + group.count, 0);
  return (
    <div class="stack">
      <p class="lead">
        A problem affects only its own service. Fix it, and the problem disappears automatically.
        {service === undefined ? null : (
          <>
            {' '}
            {own.length === 0 ? 'No problems' : 'Only problems'} of {service}.{' '}
            <a href="#/problems">Show all {problems.length}</a>
          </>
        )}
      </p>
      <div class="problem-filters">
        <Severities
          problems={found}
          chosen={severity}
          onChoose={(chosen) => replaceQuery(place, { severity: chosen })}
        />
        <Filter value={filter} onChange={(value) => replaceQuery(place, { filter: value })} />
        <span class="muted small" role="status">
          {shown === own.length ? count(shown, 'problem') : `${shown} of ${count(own.length, 'problem')}`}
        </span>
      </div>
      {groups.map((group) => (
        <ProblemGroupCard key={`${group.severity} ${group.id}`} group={group} />
      ))}
    </div>
  );
}

interface SeveritiesProps {
  readonly problems: readonly Problem[];
  /** '' for all. */
  readonly chosen: string;
  readonly onChoose: (severity: string) => void;
}

function Severities({ problems, chosen, onChoose }: SeveritiesProps) {
  const counts = severityOrder.map(
    (severity) => [severity, problems.filter((problem) => problem.severity === severity).length] as const,
  );
  return (
    <fieldset class="chips">
      <legend class="for-ears">Filter by severity</legend>
      {counts
        .filter(([severity, number]) => number > 0 || severity === chosen)
        .map(([severity, number]) => (
          <button
            key={severity}
            type="button"
            class="chip"
            aria-pressed={chosen === severity}
            onClick={() => onChoose(chosen === severity ? '' : severity)}
          >
            {titles[severity]} <span class="chip-count">{number}</span>
          </button>
        ))}
    </fieldset>
  );
}
