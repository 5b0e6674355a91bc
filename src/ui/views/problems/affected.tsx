import { count } from '../../lib/format.ts';
import type { Problem } from '../../lib/problems.ts';

/** Longer lists are collapsed. */
const SHOWN_ROUTES = 5;

export function AffectedRoutes({
  affects,
  owner,
}: {
  readonly affects: NonNullable<Problem['affects']>;
  readonly owner: string | undefined;
}) {
  const routes = affects.flatMap(({ service, routes }) => routes.map((route) => ({ service, route })));
  if (routes.length === 0) return null;
  const services = new Set(routes.map(({ service }) => service)).size;
  const summary = `Affects ${count(routes.length, 'route')}${services > 1 ? ` of ${count(services, 'service')}` : ''}`;
  const list = (
    <ul class="plain small">
      {routes.map(({ service, route }) => (
        <li key={`${service} ${route}`}>
          <code>{route}</code>
          {service === undefined || service === owner ? null : <span class="muted"> {service}</span>}
        </li>
      ))}
    </ul>
  );
  return (
    <details class="problem-routes" open={routes.length <= SHOWN_ROUTES}>
      <summary class="small">{summary}</summary>
      {list}
    </details>
  );
}
