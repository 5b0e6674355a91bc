import type { TargetedSubmitEvent } from 'preact';
import { useState } from 'preact/hooks';
import type { State } from '../../../controller/admin/state.ts';
import { close, Refused, type Target } from '../../api.ts';
import { useAction } from '../../hooks.ts';
import { listed, utc } from '../../lib/format.ts';
import { Confirm } from '../../parts/confirm.tsx';

/** Number of suggested names. Browsers become slow with more. */
const OFFERED = 500;

interface Wanted {
  readonly kind: Target['kind'];
  readonly names: readonly string[];
  readonly terms: Parameters<typeof close>[1];
}

function knownNames({ routes, streams, services }: State, kind: Target['kind']): string[] {
  const hosts = [...routes.map(({ host }) => host), ...streams.flatMap(({ host }) => host ?? [])];
  return [...new Set(kind === 'host' ? hosts : services.map(({ name }) => name))];
}

function subjectOf({ kind, names }: Wanted): string {
  if (kind === 'host') return names.length > 1 ? 'The hosts answer' : 'The host answers';
  return names.length > 1 ? 'All routes of the services answer' : 'All routes of the service answer';
}

export function CloseForm({ state }: { readonly state: State }) {
  const action = useAction();
  const [kind, setKind] = useState<Target['kind']>('host');
  const [asking, setAsking] = useState<Wanted>();
  const [form, setForm] = useState<HTMLFormElement>();
  const known = knownNames(state, kind);
  const submit = (event: TargetedSubmitEvent<HTMLFormElement>) => {
    event.preventDefault();
    const fields = new FormData(event.currentTarget);
    const text = (field: string) => String(fields.get(field)).trim();
    const list = (field: string) =>
      text(field)
        .split(/[\s,]+/)
        .filter(Boolean);
    setForm(event.currentTarget);
    const [reason, until] = [text('reason'), text('until')];
    setAsking({
      kind,
      names: list('name'),
      terms: {
        allow: list('allow'),
        ...(reason === '' ? {} : { reason }),
        ...(until === '' ? {} : { until: new Date(until).toISOString() }),
      },
    });
  };
  const confirm = async ({ kind, names, terms }: Wanted) => {
    const closeAll = async () => {
      // All or none: an unknown name must not be noticed halfway.
      const unknown = names.find((name) => !known.includes(name));
      if (unknown !== undefined)
        throw new Refused({
          status: 404,
          title: '',
          detail: `No route uses the ${kind} ${unknown}. Nothing was changed.`,
        });
      for (const name of names) await close({ kind, name }, terms);
    };
    if (!(await action.run(closeAll))) return;
    setAsking(undefined);
    form?.reset();
  };
  return (
    <section class="card" aria-labelledby="close">
      <header class="card-head">
        <h2 id="close">Start maintenance</h2>
      </header>
      <form class="close-form" onSubmit={submit}>
        <label>
          Type
          <select
            value={kind}
            onChange={({ currentTarget }) => setKind(currentTarget.value === 'host' ? 'host' : 'service')}
          >
            <option value="host">Host</option>
            <option value="service">Service</option>
          </select>
        </label>
        <label>
          Names
          <input
            name="name"
            list="closable"
            required
            autocomplete="off"
            spellcheck={false}
            placeholder="one or several"
          />
        </label>
        <datalist id="closable">
          {known.slice(0, OFFERED).map((name) => (
            <option key={name} value={name} />
          ))}
        </datalist>
        <label>
          Allowed addresses
          <input name="allow" placeholder="none, or 192.0.2.7, 10.0.0.0/8" autocomplete="off" spellcheck={false} />
        </label>
        <label>
          Reason
          <input name="reason" maxLength={200} placeholder="for administrators" autocomplete="off" />
        </label>
        <label>
          Until
          <input name="until" type="datetime-local" />
        </label>
        <button type="submit" class="button button-strong">
          Start maintenance…
        </button>
      </form>
      {asking === undefined ? null : (
        <Confirm
          title={`Start maintenance of ${listed(asking.names)}?`}
          verb="Start maintenance"
          action={action}
          onConfirm={() => void confirm(asking)}
          onClose={() => setAsking(undefined)}
        >
          <p>
            {subjectOf(asking)} 503 with Retry-After
            {asking.terms.allow.length === 0 ? '' : `, except to ${asking.terms.allow.join(', ')},`} until{' '}
            {asking.terms.until === undefined ? 'you end the maintenance' : utc(asking.terms.until)}. The{' '}
            {asking.names.length > 1 || asking.kind === 'host' ? 'services themselves keep' : 'service itself keeps'}{' '}
            running.
          </p>
        </Confirm>
      )}
    </section>
  );
}
