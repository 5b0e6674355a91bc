import type { ClosedView, State } from '../../controller/admin/state.ts';
import { openAgain } from '../api.ts';
import { useAction, useCanChange } from '../hooks.ts';
import { listed, utc } from '../lib/format.ts';
import { Empty, Refusal } from '../parts/notes.tsx';
import { Lamp } from '../parts/signal.tsx';
import { Ago } from '../parts/time.tsx';
import { CloseForm } from './maintenance/close-form.tsx';

/** Hosts and services under maintenance, set by an administrator or by a label. They answer 503. */
export function Maintenance({ state }: { readonly state: State }) {
  const canChange = useCanChange();
  const { maintenance } = state;
  return (
    <div class="stack">
      {canChange ? <CloseForm state={state} /> : null}
      {maintenance.length === 0 ? (
        <Empty title="Nothing under maintenance" aspect="clear">
          A host or service under maintenance answers 503 with Retry-After, except to its allow list. The service itself
          is not changed.
        </Empty>
      ) : (
        <section class="card" aria-labelledby="closed">
          <header class="card-head">
            <h2 id="closed">Under maintenance</h2>
          </header>
          <ul class="plain closed">
            {maintenance.map((closed) => (
              <Closed key={`${closed.kind} ${closed.name}`} closed={closed} />
            ))}
          </ul>
        </section>
      )}
    </div>
  );
}

function Closed({ closed: { kind, name, allow, who, since, reason, until } }: { readonly closed: ClosedView }) {
  const canChange = useCanChange();
  const action = useAction();
  return (
    <li>
      <Lamp aspect="danger" />
      <div class="closed-text">
        <p>
          <span class="muted">{kind}</span> <strong>{name}</strong>
        </p>
        <p class="muted small">
          {who === null ? 'Set by a label of the service. Remove the label to end it.' : `Started by ${who} `}
          {since === null ? null : <Ago at={since} />}
        </p>
        {reason === undefined ? null : <p class="small">{reason}</p>}
        {until === undefined ? null : <p class="small">Ends automatically at {utc(until)}</p>}
        {allow.length === 0 ? null : <p class="small">Allowed: {listed(allow)}</p>}
        <Refusal reason={action.refusal} />
      </div>
      {canChange && who !== null ? (
        <button
          type="button"
          class="button"
          aria-label={`End maintenance of ${name}`}
          disabled={action.busy}
          onClick={() => void action.run(() => openAgain({ kind, name }))}
        >
          End maintenance
        </button>
      ) : null}
    </li>
  );
}
