import type { State } from '../../controller/admin/state.ts';
import { count } from '../lib/format.ts';
import type { Place } from '../lib/place.ts';
import { concerns, ownerOf, type Problem, severities, sortProblems } from '../lib/problems.ts';
import { Empty } from '../parts/notes.tsx';
import { Lamp } from '../parts/signal.tsx';

/** Problems by owner, each with its fix, the most severe first. */
export function Problems({ state, place }: { readonly state: State; readonly place: Place }) {
  const sorted = sortProblems(state.problems);
  const { service } = place.query;
  if (sorted.length === 0)
    return (
      <Empty title="No problems" aspect="clear">
        {state.services.length === 0
          ? 'Invalid labels are listed here, each with its fix.'
          : `The labels of ${count(state.services.length, 'service')} are valid.`}
      </Empty>
    );
  const shown = service === undefined ? sorted : sorted.filter((problem) => concerns(problem, service));
  const owners = Map.groupBy(shown, ownerOf);
  return (
    <div class="stack">
      <p class="lead">
        A problem affects only its own service. Fix it, and the problem disappears automatically.
        {service === undefined ? null : (
          <>
            {' '}
            {shown.length === 0 ? 'No problems' : 'Only problems'} of {service}.{' '}
            <a href="#/problems">Show all {sorted.length}</a>
          </>
        )}
      </p>
      {[...owners].map(([owner, problems]) => (
        <section key={owner} class="card" aria-label={owner}>
          <header class="card-head">
            <h2>{owner}</h2>
            <span class="muted small">{count(problems.length, 'problem')}</span>
          </header>
          <ul class="plain problems">
            {problems.map((problem) => (
              <ProblemItem key={`${problem.label} ${problem.value} ${problem.reason}`} problem={problem} />
            ))}
          </ul>
        </section>
      ))}
    </div>
  );
}

function ProblemItem({
  problem: { severity, label, value, reason, remedy, cluster, service, affects },
}: {
  readonly problem: Problem;
}) {
  const { aspect, title } = severities[severity];
  return (
    <li class={`problem problem-${severity}`}>
      <p class="problem-kind">
        <Lamp aspect={aspect} /> {title}
        {service !== undefined && cluster !== undefined ? <span class="muted"> in {cluster}</span> : null}
      </p>
      {label === undefined ? null : (
        <p class="problem-label">
          <code>
            <span class="label-name">{label}</span>
            {value === undefined ? null : (
              <>
                <span class="muted">=</span>
                <span class="label-value">{value === '' ? '""' : value}</span>
              </>
            )}
          </code>
        </p>
      )}
      <p class="problem-reason">{reason}</p>
      {affects === undefined ? null : <AffectedRoutes affects={affects} owner={service} />}
      <p class="problem-remedy">
        <span class="remedy-mark" aria-hidden="true">
          →
        </span>
        <span class="for-ears">Fix: </span>
        {remedy}
      </p>
    </li>
  );
}

/** Longer lists are collapsed. */
const SHOWN_ROUTES = 5;

function AffectedRoutes({
  affects,
  owner,
}: {
  readonly affects: NonNullable<Problem['affects']>;
  readonly owner: string | undefined;
}) {
  const routes = affects.flatMap(({ service, routes }) => routes.map((route) => ({ service, route })));
  if (routes.length === 0) return null;
  const services = new Set(routes.map(({ service }) => service)).size;
  const summary = `Affects ${count(routes.length, 'route')}${services > 1 ? ` of ${count(services, 'service')}` : ''}`;
  const list = (
    <ul class="plain small">
      {routes.map(({ service, route }) => (
        <li key={`${service} ${route}`}>
          <code>{route}</code>
          {service === undefined || service === owner ? null : <span class="muted"> {service}</span>}
        </li>
      ))}
    </ul>
  );
  return (
    <details class="problem-routes" open={routes.length <= SHOWN_ROUTES}>
      <summary class="small">{summary}</summary>
      {list}
    </details>
  );
}
