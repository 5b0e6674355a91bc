import type { TargetedSubmitEvent } from 'preact';
import { useState } from 'preact/hooks';
import { type CreatedToken, createToken, type User } from '../../api.ts';
import { useAction } from '../../hooks.ts';
import { Refusal } from '../../parts/notes.tsx';

const roles: readonly User['role'][] = ['viewer', 'operator', 'administrator'];

interface TokenFormProps {
  readonly clusters: readonly string[];
  readonly onCreated: () => void;
}

export function TokenForm({ clusters, onCreated }: TokenFormProps) {
  const action = useAction();
  const [created, setCreated] = useState<CreatedToken>();
  const submit = (event: TargetedSubmitEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = event.currentTarget;
    const fields = new FormData(form);
    const text = (field: string) => String(fields.get(field)).trim();
    const cluster = text('cluster');
    const wanted = { name: text('name'), role: text('role') as User['role'], days: Number(text('days')) };
    void action.run(async () => {
      setCreated(await createToken({ ...wanted, ...(cluster === '' ? {} : { cluster }) }));
      form.reset();
      onCreated();
    });
  };
  return (
    <section class="card" aria-labelledby="create-token">
      <header class="card-head">
        <h2 id="create-token">Create an API token</h2>
      </header>
      <form class="token-form" onSubmit={submit}>
        <label>
          Name
          <input name="name" required maxLength={64} placeholder="ci-deploy" autocomplete="off" spellcheck={false} />
        </label>
        <label>
          Role
          <select name="role">
            {roles.map((role) => (
              <option key={role} value={role}>
                {role}
              </option>
            ))}
          </select>
        </label>
        <label>
          Cluster
          <select name="cluster">
            <option value="">all</option>
            {clusters.map((name) => (
              <option key={name} value={name}>
                {name}
              </option>
            ))}
          </select>
        </label>
        <label>
          Valid for (days)
          <input name="days" type="number" min={1} max={366} required defaultValue="90" />
        </label>
        <button type="submit" class="button button-strong" disabled={action.busy}>
          Create
        </button>
      </form>
      <Refusal reason={action.refusal} />
      {created === undefined ? null : (
        <div class="token-created" role="status">
          <p>
            Copy the token <strong>{created.name}</strong> now. It is not shown again.
          </p>
          <code class="token-value">{created.token}</code>
          <button type="button" class="button" onClick={() => setCreated(undefined)}>
            Done
          </button>
        </div>
      )}
    </section>
  );
}
