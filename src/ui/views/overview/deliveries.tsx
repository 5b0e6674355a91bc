import type { ClusterView } from '../../../admin/state.ts';
import { duration } from '../../lib/format.ts';
import { Ago } from '../../parts/time.tsx';
import { Version } from '../../parts/version.tsx';

const SHOWN = 5;

type Delivery = ClusterView['history'][number];

/** How long the last changes took from a label to all proxies. */
export function Deliveries({ history }: { readonly history: ClusterView['history'] }) {
  const shown = history.slice(0, SHOWN);
  if (shown.length === 0) return null;
  const longest = Math.max(...shown.map(({ renderedMs, servedMs }) => servedMs ?? renderedMs), 1);
  return (
    <div class="deliveries">
      <h3 class="small">From label to live</h3>
      <ol class="plain">
        {shown.map((delivery) => (
          <Delivered key={delivery.seenAt} delivery={delivery} longest={longest} />
        ))}
      </ol>
    </div>
  );
}

function Delivered({ delivery, longest }: { readonly delivery: Delivery; readonly longest: number }) {
  const { version, seenAt, renderedMs, servedMs } = delivery;
  const rendered = (100 * renderedMs) / longest;
  const served = (100 * (servedMs ?? renderedMs)) / longest;
  return (
    <li title={`Rendered and proved after ${duration(renderedMs)}`}>
      <Version digest={version} />
      <svg class="bar" viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true">
        <rect class="bar-ground" width="100" height="6" />
        <rect class="bar-served" width={served} height="6" />
        <rect class="bar-rendered" width={rendered} height="6" />
      </svg>
      <span>{servedMs === null ? 'on its way' : duration(servedMs)}</span>
      <span class="muted">
        <Ago at={seenAt} />
      </span>
    </li>
  );
}
