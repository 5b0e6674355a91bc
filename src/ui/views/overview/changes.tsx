import type { State } from '../../../controller/admin/state.ts';
import { Ago } from '../../parts/time.tsx';

const SHOWN = 8;

/** Changes by administrators. */
export function Changes({ changes }: { readonly changes: State['changes'] }) {
  return (
    <section class="card" aria-labelledby="changes">
      <header class="card-head">
        <h2 id="changes">Changes</h2>
        <span class="muted small">by administrators</span>
      </header>
      {changes.length === 0 ? <p class="muted">No changes yet.</p> : null}
      <ol class="log">
        {changes.slice(0, SHOWN).map(({ at, who, via, what }) => (
          <li key={`${at} ${what}`}>
            <span class="log-what">{what}</span>
            <span class="muted small">
              {who}
              {via === undefined || via === 'password' ? '' : via === 'oidc' ? ' (OpenID Connect)' : ' (API token)'} ·{' '}
              <Ago at={at} />
            </span>
          </li>
        ))}
      </ol>
    </section>
  );
}
