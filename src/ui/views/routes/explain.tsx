import type { TargetedSubmitEvent } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { knowsHost } from '../../../model/explain/explanation.ts';
import { type ClusterExplanation, explain } from '../../api.ts';
import { useAction, useCanChange } from '../../hooks.ts';
import type { Aspect } from '../../lib/health.ts';
import type { Place } from '../../lib/place.ts';
import { replaceQuery } from '../../location.ts';
import { Refusal } from '../../parts/notes.tsx';
import { Lamp } from '../../parts/signal.tsx';
import { TryIt } from './tried.tsx';

/** Shows which route serves a URL, and why. */
export function Explain({ place }: { readonly place: Place }) {
  const action = useAction();
  const [explanations, setExplanations] = useState<readonly ClusterExplanation[]>([]);
  const asked = place.query.url ?? '';
  const ask = (url: string) => action.run(async () => setExplanations(await explain(url)));
  useEffect(() => {
    if (asked !== '') void ask(asked);
  }, [asked]);
  const submit = (event: TargetedSubmitEvent<HTMLFormElement>) => {
    event.preventDefault();
    const url = String(new FormData(event.currentTarget).get('url'));
    setExplanations([]);
    if (url === asked) void ask(url);
    else replaceQuery(place, { url });
  };
  const canTry = useCanChange();
  const [best, ...rest] = explanations;
  const others = rest.filter(({ answer }) => answer.kind !== 'no-host');
  return (
    <section class="card explain" aria-labelledby="explain">
      <header class="card-head">
        <h2 id="explain">Which route serves a URL?</h2>
      </header>
      <form class="ask" key={asked} onSubmit={submit}>
        <label>
          <span class="for-ears">URL</span>
          <input
            name="url"
            placeholder="http://app.example.org/path"
            defaultValue={asked}
            required
            spellcheck={false}
          />
        </label>
        <button type="submit" class="button" disabled={action.busy}>
          Explain
        </button>
      </form>
      <Refusal reason={action.refusal} />
      <div aria-live="polite">
        {[...(best === undefined ? [] : [best]), ...others].map((explanation) => (
          <Explained key={explanation.cluster} explanation={explanation} />
        ))}
      </div>
      {canTry && best !== undefined && isTriable(best) ? <TryIt key={best.url} url={best.url} /> : null}
    </section>
  );
}

/** A request needs a host, and TCP and UDP have none. */
function isTriable({ url, answer }: ClusterExplanation): boolean {
  return url.startsWith('http') && knowsHost(answer);
}

function Explained({
  explanation: { cluster, url, answer, because, passedOver, fromSettings, tasks },
}: {
  readonly explanation: ClusterExplanation;
}) {
  const { aspect, text } = describeAnswer(answer, tasks);
  return (
    <article class="explained">
      <p class="muted small">
        <code>{url}</code> in {cluster}
      </p>
      <h3>
        <Lamp aspect={aspect} /> {text}
      </h3>
      <ol class="steps">
        {because.map((step) => (
          <li key={step}>{step}</li>
        ))}
      </ol>
      {fromSettings.length === 0 ? null : (
        <details open>
          <summary>Labels from the settings: {fromSettings.length}</summary>
          <ul class="passed">
            {fromSettings.map(({ service, label, value, from }) => (
              <li key={`${service} ${label}`}>
                <code>
                  {label} = {value}
                </code>{' '}
                <span class="muted small">
                  from {from}, for {service}
                </span>
              </li>
            ))}
          </ul>
        </details>
      )}
      {passedOver.length === 0 ? null : (
        <details>
          <summary>Other candidates: {passedOver.length}</summary>
          <ul class="passed">
            {passedOver.map(({ route, reason }) => (
              <li key={`${route.host}${route.path} ${route.match ?? ''}`}>
                <code>
                  {route.host}
                  {route.path}
                </code>{' '}
                {route.match === undefined ? '' : `if ${route.match} `}→ {route.services.join(', ')}
                <span class="muted small">{reason}</span>
              </li>
            ))}
          </ul>
        </details>
      )}
    </article>
  );
}

function describeAnswer(
  answer: ClusterExplanation['answer'],
  tasks: ClusterExplanation['tasks'],
): { readonly aspect: Aspect; readonly text: string } {
  switch (answer.kind) {
    case 'service': {
      const { services, host, path } = answer.route;
      if (tasks === 'none')
        return { aspect: 'danger', text: `No task of ${services.join(', ')} answers through route ${host}${path}` };
      return {
        aspect: tasks === 'some' ? 'caution' : 'clear',
        text: `${services.join(', ')} receives ${answer.requestUri || 'the connection'} through route ${host}${path}`,
      };
    }
    case 'redirect':
      return { aspect: 'clear', text: `${answer.status} to ${answer.location}` };
    case 'unavailable':
      return { aspect: 'danger', text: `503: ${answer.route.services.join(', ')} is unavailable` };
    case 'maintenance': {
      const { allow } = answer;
      const others = allow.length === 0 ? '' : ` except to ${allow.join(', ')}`;
      return { aspect: 'caution', text: `503${others}: under maintenance` };
    }
    case 'no-path':
      return { aspect: 'danger', text: '404: no route matches the path' };
    case 'no-host':
      return { aspect: 'danger', text: '503: no route matches the host' };
    case 'bad-request':
      return { aspect: 'danger', text: '400: invalid path' };
    case 'no-certificate':
      return { aspect: 'danger', text: 'The TLS handshake is rejected' };
    case 'refused':
      return { aspect: 'danger', text: 'The connection is refused or closed' };
  }
}
