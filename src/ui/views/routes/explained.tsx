import type { ClusterExplanation } from '../../api.ts';
import type { Aspect } from '../../lib/health.ts';
import { Lamp } from '../../parts/signal.tsx';
import { Effects } from './effects.tsx';

/** Which route answers in a service cluster, and why. */
export function Explained({
  explanation: { cluster, url, answer, because, passedOver, effects, fromSettings, tasks },
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
      <Effects effects={effects} />
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
