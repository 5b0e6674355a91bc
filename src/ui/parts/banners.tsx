import type { ComponentChildren } from 'preact';
import type { State } from '../../controller/admin/state.ts';
import { release } from '../api.ts';
import { useAction, useCanChange, useNow } from '../hooks.ts';
import type { Connection } from '../live.ts';
import { Refusal } from './notes.tsx';
import { Lamp } from './signal.tsx';
import { Ago } from './time.tsx';
import { Version } from './version.tsx';

/** Messages shown in every view. */
export function Banners({ state, connection }: { readonly state: State | undefined; readonly connection: Connection }) {
  const held = state?.clusters.filter((cluster) => cluster.held !== null) ?? [];
  return (
    <div class="banners">
      {connection.kind === 'lost' ? <Disconnected connection={connection} hasState={state !== undefined} /> : null}
      {state?.error ? (
        <Banner aspect="danger">
          <strong>The controller is failing.</strong> {state.error.replace(/\.?$/, '.')} It keeps retrying. The proxies
          keep serving their current version.
        </Banner>
      ) : null}
      {held.map(({ name, held }) => (
        <Held key={name} cluster={name} version={held!} />
      ))}
    </div>
  );
}

function Banner({ aspect, children }: { readonly aspect: 'caution' | 'danger'; readonly children: ComponentChildren }) {
  return (
    <section class={`banner banner-${aspect}`} aria-label={aspect === 'danger' ? 'Error' : 'Notice'}>
      <Lamp aspect={aspect} />
      <div class="banner-text">{children}</div>
    </section>
  );
}

interface DisconnectedProps {
  readonly connection: Extract<Connection, { kind: 'lost' }>;
  readonly hasState: boolean;
}

function Disconnected({ connection: { since, retryAt }, hasState }: DisconnectedProps) {
  const seconds = Math.max(0, Math.ceil((retryAt - useNow(1000)) / 1000));
  return (
    <Banner aspect="danger">
      <strong>No connection to the controller.</strong>{' '}
      {hasState ? (
        <>
          Last update: <Ago at={new Date(since).toISOString()} />.{' '}
        </>
      ) : null}
      The proxies keep running without it.{' '}
      <span class="muted">{seconds > 0 ? `Retrying in ${seconds} s.` : 'Retrying…'}</span>
    </Banner>
  );
}

function Held({ cluster, version }: { readonly cluster: string; readonly version: string }) {
  const action = useAction();
  const canChange = useCanChange();
  return (
    <Banner aspect="caution">
      <strong>{cluster} is held</strong> at version <Version digest={version} />. New changes are queued until it is
      released.
      {canChange ? (
        <button
          type="button"
          class="button"
          disabled={action.busy}
          onClick={() => void action.run(() => release(cluster))}
        >
          Release
        </button>
      ) : null}
      <Refusal reason={action.refusal} />
    </Banner>
  );
}
