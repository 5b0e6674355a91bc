import type { TargetedSubmitEvent } from 'preact';
import { useState } from 'preact/hooks';
import type { State } from '../../../controller/admin/state.ts';
import { close, type Target } from '../../api.ts';
import { useAction } from '../../hooks.ts';
import { Confirm } from '../../parts/confirm.tsx';

/** Number of suggested names. Browsers become slow with more. */
const OFFERED = 500;

export function CloseForm({ state }: { readonly state: State }) {
  const action = useAction();
  const [kind, setKind] = useState<Target['kind']>('host');
  const [asking, setAsking] = useState<{ readonly target: Target; readonly allow: readonly string[] }>();
  const [form, setForm] = useState<HTMLFormElement>();
  const names = kind === 'host' ? state.routes.map(({ host }) => host) : state.services.map(({ name }) => name);
  const submit = (event: TargetedSubmitEvent<HTMLFormElement>) => {
    event.preventDefault();
    const fields = new FormData(event.currentTarget);
    const text = (field: string) => String(fields.get(field)).trim();
    setForm(event.currentTarget);
    setAsking({
      target: { kind, name: text('name') },
      allow: text('allow')
        .split(/[\s,]+/)
        .filter(Boolean),
    });
  };
  const confirm = async ({ target, allow }: NonNullable<typeof asking>) => {
    if (!(await action.run(() => close(target, allow)))) return;
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
          Name
          <input name="name" list="closable" required autocomplete="off" spellcheck={false} />
        </label>
        <datalist id="closable">
          {[...new Set(names)].slice(0, OFFERED).map((name) => (
            <option key={name} value={name} />
          ))}
        </datalist>
        <label>
          Allowed addresses
          <input name="allow" placeholder="none, or 192.0.2.7, 10.0.0.0/8" autocomplete="off" spellcheck={false} />
        </label>
        <button type="submit" class="button button-strong">
          Start maintenance…
        </button>
      </form>
      {asking === undefined ? null : (
        <Confirm
          title={`Start maintenance of ${asking.target.name}?`}
          verb="Start maintenance"
          action={action}
          onConfirm={() => void confirm(asking)}
          onClose={() => setAsking(undefined)}
        >
          <p>
            {asking.target.kind === 'host' ? 'The host answers' : 'All routes of the service answer'} 503 with
            Retry-After
            {asking.allow.length === 0 ? '' : `, except to ${asking.allow.join(', ')},`} until you end the maintenance.
            The service itself keeps running.
          </p>
        </Confirm>
      )}
    </section>
  );
}
