import type { ClusterView } from '../../../controller/admin/state.ts';
import { duration } from '../../lib/format.ts';
import { Ago } from '../../parts/time.tsx';
import { Version } from '../../parts/version.tsx';

const SHOWN = 5;

type Delivery = ClusterView['history'][number];

/** How long the last changes took from the label to all proxies. */
export function Deliveries({ history }: { readonly history: ClusterView['history'] }) {
  const shown = history.slice(0, SHOWN);
  if (shown.length === 0) return null;
  const longest = Math.max(...shown.map(({ servedMs }) => servedMs ?? 0), 1);
  return (
    <div class="deliveries">
      <h3 class="small">Time to live</h3>
      <ol class="plain">
        {shown.map((delivery, index) => (
          <Delivered
            key={delivery.seenAt}
            delivery={delivery}
            longest={longest}
            unserved={index === 0 ? 'rolling out' : 'superseded'}
          />
        ))}
      </ol>
    </div>
  );
}

interface DeliveredProps {
  readonly delivery: Delivery;
  /** The duration of a full bar. */
  readonly longest: number;
  /** Shown if not all proxies served it. */
  readonly unserved: string;
}

function Delivered({ delivery, longest, unserved }: DeliveredProps) {
  const { version, seenAt, renderedMs, servedMs } = delivery;
  const width = (ms: number) => (servedMs === null ? 0 : (100 * ms) / longest);
  return (
    <li title={`Rendered and tested after ${duration(renderedMs)}`}>
      <Version digest={version} />
      <svg class="bar" viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true">
        <rect class="bar-ground" width="100" height="6" />
        <rect class="bar-served" width={width(servedMs ?? 0)} height="6" />
        <rect class="bar-rendered" width={width(renderedMs)} height="6" />
      </svg>
      <span>{servedMs === null ? unserved : duration(servedMs)}</span>
      <span class="muted">
        <Ago at={seenAt} />
      </span>
    </li>
  );
}
