import { useContext, useState } from 'preact/hooks';
import type { State } from '../../controller/admin/state.ts';
import { listTokens, listUsers, revokeToken, type Token, type UsersView } from '../api.ts';
import { UserContext, useAction, useLoaded } from '../hooks.ts';
import { Confirm } from '../parts/confirm.tsx';
import { Failure, Loading } from '../parts/notes.tsx';
import { Ago } from '../parts/time.tsx';
import { TokenForm } from './access/token-form.tsx';

/** Users, defined by secrets and the OpenID provider, and API tokens, managed here. */
export function Access({ state }: { readonly state: State }) {
  const { role } = useContext(UserContext);
  return role === 'administrator' ? <Managed state={state} /> : <Failure>Requires the role administrator.</Failure>;
}

function Managed({ state }: { readonly state: State }) {
  const [round, setRound] = useState(0);
  const users = useLoaded('users', listUsers);
  const tokens = useLoaded(`tokens ${round}`, listTokens);
  const reload = () => setRound((last) => last + 1);
  return (
    <div class="stack">
      <TokenForm clusters={state.clusters.map(({ name }) => name)} onCreated={reload} />
      <section class="card" aria-labelledby="tokens">
        <header class="card-head">
          <h2 id="tokens">API tokens</h2>
          <span class="muted small">for scripts and pipelines</span>
        </header>
        {tokens.kind === 'loading' ? <Loading what="the tokens" rows={2} /> : null}
        {tokens.kind === 'failed' ? <Failure>{tokens.reason}</Failure> : null}
        {tokens.kind === 'loaded' ? <Tokens tokens={tokens.value} onRevoked={reload} /> : null}
      </section>
      <section class="card" aria-labelledby="users">
        <header class="card-head">
          <h2 id="users">Users</h2>
          <span class="muted small">from Docker secrets</span>
        </header>
        {users.kind === 'loading' ? <Loading what="the users" rows={2} /> : null}
        {users.kind === 'failed' ? <Failure>{users.reason}</Failure> : null}
        {users.kind === 'loaded' ? <Users view={users.value} /> : null}
      </section>
    </div>
  );
}

interface TokensProps {
  readonly tokens: readonly Token[];
  readonly onRevoked: () => void;
}

function Tokens({ tokens, onRevoked }: TokensProps) {
  const action = useAction();
  const [asking, setAsking] = useState<Token>();
  const confirm = async ({ id }: Token) => {
    if (!(await action.run(() => revokeToken(id)))) return;
    setAsking(undefined);
    onRevoked();
  };
  if (tokens.length === 0) return <p class="muted">No API tokens.</p>;
  return (
    <>
      <ul class="plain access-list">
        {tokens.map((token) => (
          <li key={token.id}>
            <div class="access-text">
              <p>
                <strong>{token.name}</strong> <span class="muted">{token.role}</span>
              </p>
              <p class="muted small">
                {token.cluster === null ? 'All clusters' : `Cluster ${token.cluster}`} · expires{' '}
                <Ago at={token.expiresAt} /> · created by {token.createdBy}
              </p>
            </div>
            <button type="button" class="button" aria-label={`Revoke ${token.name}`} onClick={() => setAsking(token)}>
              Revoke…
            </button>
          </li>
        ))}
      </ul>
      {asking === undefined ? null : (
        <Confirm
          title={`Revoke ${asking.name}?`}
          verb="Revoke token"
          action={action}
          onConfirm={() => void confirm(asking)}
          onClose={() => setAsking(undefined)}
        >
          <p>Scripts that use this token lose access immediately.</p>
        </Confirm>
      )}
    </>
  );
}

function Users({ view: { users, oidc } }: { readonly view: UsersView }) {
  return (
    <>
      <ul class="plain access-list">
        {users.map(({ name, role }) => (
          <li key={name}>
            <strong>{name}</strong> <span class="muted">{role}</span>
          </li>
        ))}
      </ul>
      {oidc === null ? null : (
        <>
          <h3>OpenID Connect</h3>
          <p class="muted small">{oidc.issuer}</p>
          <ul class="plain access-list">
            {oidc.groups.map(({ group, role }) => (
              <li key={group}>
                <span class="muted">group</span> <strong>{group}</strong> <span class="muted">{role}</span>
              </li>
            ))}
          </ul>
        </>
      )}
    </>
  );
}
