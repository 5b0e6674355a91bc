import type { TrafficError } from '../../../controller/admin/traffic.ts';
import { Scrolled } from '../../parts/scrolled.tsx';
import { Ago } from '../../parts/time.tsx';

/** The last requests that were answered with 5xx. */
export function Errors({ errors }: { readonly errors: readonly TrafficError[] }) {
  return (
    <section class="card" aria-labelledby="last-errors">
      <header class="card-head">
        <h2 id="last-errors">Last server errors</h2>
      </header>
      {errors.length === 0 ? (
        <p class="muted">No request was answered with 5xx since the controller started.</p>
      ) : (
        <Scrolled label="Last server errors">
          <table class="traffic-table">
            <thead>
              <tr>
                <th scope="col">When</th>
                <th scope="col">Host</th>
                <th scope="col">Request</th>
                <th scope="col" class="number">
                  Status
                </th>
                <th scope="col">Reason</th>
                <th scope="col">Task</th>
                <th scope="col">Request ID</th>
              </tr>
            </thead>
            <tbody>
              {errors.map(({ at, host, request, status, reason, address, id }) => (
                <tr key={`${id} ${at}`}>
                  <td>
                    <Ago at={at} />
                  </td>
                  <td>{host}</td>
                  <td>
                    <code>{request}</code>
                  </td>
                  <td class="number">{status}</td>
                  <td>{reason}</td>
                  <td>{address === null ? '–' : <code>{address}</code>}</td>
                  <td>
                    <code>{id}</code>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </Scrolled>
      )}
    </section>
  );
}
