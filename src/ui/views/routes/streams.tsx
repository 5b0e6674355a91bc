import type { State } from '../../../controller/admin/state.ts';
import { Lamp } from '../../parts/signal.tsx';

const tls = { none: '', terminated: 'TLS', passthrough: 'TLS passthrough' } as const;

/** TCP and UDP ports, if services use any. */
export function Streams({ state }: { readonly state: State }) {
  const { streams } = state;
  if (streams.length === 0) return null;
  return (
    <section class="card" aria-labelledby="streams">
      <header class="card-head">
        <h2 id="streams">TCP and UDP</h2>
      </header>
      <table class="routes">
        <thead>
          <tr>
            <th scope="col">Port</th>
            <th scope="col">Name (SNI)</th>
            <th scope="col">Service</th>
            <th scope="col">Status</th>
          </tr>
        </thead>
        <tbody>
          {streams.map(({ cluster, protocol, port, host, service, available, answer, tls: kind }) => (
            <tr key={`${cluster} ${protocol} ${port} ${host}`}>
              <th scope="row" class="route-host">
                <code>
                  {protocol}/{port}
                </code>{' '}
                {state.clusters.length > 1 ? <span class="tag">{cluster}</span> : null}
              </th>
              <td>
                {host === null ? null : <code>{host}</code>}{' '}
                {kind === 'none' ? null : <span class="tag">{tls[kind]}</span>}
              </td>
              <td>{service}</td>
              <td class="route-answer">
                <Lamp aspect={available && answer === 'forwarded' ? 'clear' : 'danger'} /> {answer}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
