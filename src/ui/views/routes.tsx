import { useState } from 'preact/hooks';
import type { RouteView, State } from '../../controller/admin/state.ts';
import { shownAnswer } from '../lib/answers.ts';
import { count } from '../lib/format.ts';
import type { Place } from '../lib/place.ts';
import { replaceQuery } from '../location.ts';
import { Filter } from '../parts/filter.tsx';
import { More } from '../parts/more.tsx';
import { Empty } from '../parts/notes.tsx';
import { AnswerChips } from './routes/answer.tsx';
import { Explain } from './routes/explain.tsx';
import { RouteTable } from './routes/route-table.tsx';
import { Streams } from './routes/streams.tsx';

/** Rows shown at a time. More make the page slow. */
const PAGE = 200;

export function Routes({ state, place }: { readonly state: State; readonly place: Place }) {
  const filter = place.query.filter ?? '';
  const [pages, setPages] = useState(1);
  const group = place.query.answer ?? '';
  const found = state.routes.filter((route) => matches(route, filter));
  const shown = found.filter((route) => group === '' || shownAnswer(route).group === group);
  if (state.routes.length === 0)
    return state.streams.length > 0 ? (
      <div class="stack">
        <Explain place={place} />
        <Streams state={state} />
      </div>
    ) : (
      <Empty title="No routes yet">
        Set the labels <code>com.docker.lb.hosts</code> and <code>com.docker.lb.port</code> on a service. Its routes
        appear here within seconds, without a reload.
      </Empty>
    );
  return (
    <div class="stack">
      <Explain place={place} />
      <section class="card" aria-labelledby="all-routes">
        <header class="card-head">
          <h2 id="all-routes">All routes</h2>
          <Filter value={filter} onChange={(value) => replaceQuery(place, { filter: value })} />
          <span class="muted small" role="status">
            {filter === '' && group === ''
              ? count(shown.length, 'route')
              : `${shown.length} of ${count(state.routes.length, 'route')}`}
          </span>
        </header>
        <AnswerChips routes={found} chosen={group} onChoose={(answer) => replaceQuery(place, { answer })} />
        {found.length === 0 ? (
          <p class="muted">No route matches “{filter}” by host, path, service or cluster.</p>
        ) : null}
        {found.length > 0 && shown.length === 0 ? <p class="muted">No such route is {group}.</p> : null}
        <RouteTable routes={shown.slice(0, pages * PAGE)} state={state} />
        <More isNeeded={shown.length > pages * PAGE} onMore={() => setPages(pages + 1)} />
      </section>
      <Streams state={state} />
    </div>
  );
}

function matches({ host, path, match = '', services, cluster }: RouteView, filter: string): boolean {
  const text = filter.trim().toLowerCase();
  return [host + path, match, cluster, ...services].some((part) => part.toLowerCase().includes(text));
}
