import type { TargetedSubmitEvent } from 'preact';
import { useState } from 'preact/hooks';
import type { State } from '../../../controller/admin/state.ts';
import { type Ports, switchOff, switchOn } from '../../api.ts';
import { useAction, useCanChange } from '../../hooks.ts';
import { Confirm } from '../../parts/confirm.tsx';
import { Loading, Refusal } from '../../parts/notes.tsx';

/** Turns layer 7 routing on or off and sets the ports it is published on. */
export function Switch({ state: { enabled, clusters } }: { readonly state: State }) {
  // These are the ports of the cluster `default`. Other clusters set theirs in the settings.
  const ports = clusters.find(({ name }) => name === 'default') ?? clusters[0];
  return (
    <section class="card" aria-labelledby="switch">
      <header class="card-head">
        <h2 id="switch">Layer 7 routing</h2>
        <strong class={enabled ? 'tag tag-clear' : 'tag'}>{enabled ? 'On' : 'Off'}</strong>
      </header>
      {ports === undefined ? (
        <Loading what="the ports" rows={1} />
      ) : (
        <SwitchForm key={`${ports.httpPort} ${ports.httpsPort}`} enabled={enabled} ports={ports} />
      )}
    </section>
  );
}

function SwitchForm({ enabled, ports }: { readonly enabled: boolean; readonly ports: Ports }) {
  const canChange = useCanChange();
  const action = useAction();
  const [edited, setEdited] = useState<Ports>(ports);
  const [asking, setAsking] = useState(false);
  const differs = edited.httpPort !== ports.httpPort || edited.httpsPort !== ports.httpsPort;
  const submit = (event: TargetedSubmitEvent<HTMLFormElement>) => {
    event.preventDefault();
    void action.run(() => switchOn(edited));
  };
  if (!canChange) return <PortsToRead ports={ports} />;
  return (
    <form class="switch" onSubmit={submit}>
      <div class="fields">
        <PortField
          name="HTTP port"
          value={edited.httpPort}
          onChange={(httpPort) => setEdited({ ...edited, httpPort })}
        />
        <PortField
          name="HTTPS port"
          value={edited.httpsPort}
          onChange={(httpsPort) => setEdited({ ...edited, httpsPort })}
        />
      </div>
      <Refusal reason={asking ? undefined : action.refusal} />
      <div class="buttons">
        {enabled ? (
          <>
            <button type="submit" class="button button-strong" disabled={action.busy || !differs}>
              Change ports
            </button>
            <button type="button" class="button" disabled={action.busy} onClick={() => setAsking(true)}>
              Turn off…
            </button>
          </>
        ) : (
          <button type="submit" class="button button-strong" disabled={action.busy}>
            Turn on
          </button>
        )}
      </div>
      {asking ? (
        <Confirm
          title="Turn layer 7 routing off?"
          verb="Turn off"
          action={action}
          onConfirm={() => void action.run(switchOff).then((done) => done && setAsking(false))}
          onClose={() => setAsking(false)}
        >
          <p>
            Proxies and extensions are removed, and hosts stop answering. Applications keep running. Turning routing on
            again restores everything.
          </p>
        </Confirm>
      ) : null}
    </form>
  );
}

interface PortFieldProps {
  readonly name: string;
  readonly value: number;
  readonly onChange: (value: number) => void;
}

function PortField({ name, value, onChange }: PortFieldProps) {
  return (
    <label>
      {name}
      <input
        inputMode="numeric"
        pattern="[0-9]{1,5}"
        required
        value={value || ''}
        onInput={({ currentTarget }) => onChange(Number(currentTarget.value) || 0)}
      />
    </label>
  );
}

function PortsToRead({ ports: { httpPort, httpsPort } }: { readonly ports: Ports }) {
  return (
    <dl class="pairs">
      <dt>HTTP port</dt>
      <dd>{httpPort}</dd>
      <dt>HTTPS port</dt>
      <dd>{httpsPort}</dd>
    </dl>
  );
}
