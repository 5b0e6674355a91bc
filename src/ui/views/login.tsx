import type { TargetedSubmitEvent } from 'preact';
import { logIn, signInMethods } from '../api.ts';
import { useAction, useLoaded } from '../hooks.ts';
import { goToProvider } from '../oidc.ts';
import { Refusal } from '../parts/notes.tsx';
import { Signal } from '../parts/signal.tsx';

interface LoginProps {
  readonly onLogin: () => Promise<void>;
  /** Why a sign-in through the OpenID provider failed. */
  readonly refusal: string | undefined;
}

export function Login({ onLogin, refusal }: LoginProps) {
  const methods = useLoaded('methods', signInMethods);
  const action = useAction();
  const submit = (event: TargetedSubmitEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    void action.run(async () => {
      await logIn(String(form.get('username')), String(form.get('password')));
      await onLogin();
    });
  };
  return (
    <div class="login">
      <main class="login-card">
        <div class="login-scene" aria-hidden="true">
          <Signal aspect={action.busy ? 'caution' : 'danger'} size="large" />
        </div>
        <h1>Signalbox</h1>
        <p class="muted">Layer 7 routing for Docker Swarm</p>
        <form onSubmit={submit}>
          <label>
            User
            <input name="username" autocomplete="username" required defaultValue="admin" spellcheck={false} />
          </label>
          <label>
            Password
            <input name="password" type="password" autocomplete="current-password" required autofocus />
          </label>
          <Refusal reason={action.refusal ?? (action.busy ? undefined : refusal)} />
          <button type="submit" class="button button-strong" disabled={action.busy}>
            Sign in
          </button>
        </form>
        {methods.kind === 'loaded' && methods.value.oidc ? (
          <button
            type="button"
            class="button login-oidc"
            disabled={action.busy}
            onClick={() => void action.run(goToProvider)}
          >
            Sign in with OpenID Connect
          </button>
        ) : null}
      </main>
    </div>
  );
}
