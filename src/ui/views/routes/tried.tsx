import { useState } from 'preact/hooks';
import type { TryView } from '../../../controller/admin/try-route.ts';
import { triedSteps } from '../../../model/tried-step.ts';
import { tryUrl } from '../../api.ts';
import { useAction } from '../../hooks.ts';
import { Refusal } from '../../parts/notes.tsx';
import { Lamp } from '../../parts/signal.tsx';

/** Sends a request to a node of the swarm, and shows each step. */
export function TryIt({ url }: { readonly url: string }) {
  const action = useAction();
  const [tried, setTried] = useState<TryView>();
  const send = () => void action.run(async () => setTried(await tryUrl(url)));
  return (
    <div class="tried">
      <button type="button" class="button button-small" disabled={action.busy} onClick={send}>
        {action.busy ? 'Sending…' : 'Send a request'}
      </button>
      <span class="muted small"> The controller sends GET to a node of the swarm.</span>
      <Refusal reason={action.refusal} />
      <div aria-live="polite">{tried === undefined ? null : <Steps steps={tried.steps} />}</div>
    </div>
  );
}

function Steps({ steps }: Pick<TryView, 'steps'>) {
  return (
    <ol class="steps" aria-label="Steps of the request">
      {steps.map(({ step, ok, text, ms }) => (
        <li key={step}>
          <Lamp aspect={ok ? 'clear' : 'danger'} /> <strong>{triedSteps[step]}</strong> {text}
          {ms === undefined ? null : <span class="muted small"> {ms} ms</span>}
        </li>
      ))}
    </ol>
  );
}
