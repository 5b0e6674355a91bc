import type { ComponentChildren } from 'preact';
import type { ClusterView } from '../../../controller/admin/state.ts';
import { ticksTo } from '../../lib/chart.ts';
import { duration } from '../../lib/format.ts';
import { Ago } from '../../parts/time.tsx';
import { Version } from '../../parts/version.tsx';

const SHOWN = 5;
/** The goal for a change of labels with up to 1,000 services, see docs/performance.md. Changes that replace proxies take longer. */
const TARGET_MS = 1000;

type Delivery = ClusterView['history'][number];

/** How long the last changes took from the label to all proxies. */
export function Deliveries({ history }: { readonly history: ClusterView['history'] }) {
  const shown = history.slice(0, SHOWN);
  if (shown.length === 0) return null;
  const ticks = ticksTo(Math.max(...shown.map(({ servedMs }) => servedMs ?? 0), TARGET_MS));
  const isSuperseded = ({ servedMs }: Delivery, index: number) => servedMs === null && index > 0;
  return (
    <div class="deliveries">
      <h3 class="small">Time to live</h3>
      <Legend />
      <ol class="plain">
        {shown.map((delivery, index) => (
          <Delivered
            key={delivery.seenAt}
            delivery={delivery}
            top={ticks.at(-1)!}
            unserved={isSuperseded(delivery, index) ? 'superseded' : 'rolling out'}
          />
        ))}
      </ol>
      <Axis ticks={ticks} />
      {shown.some(isSuperseded) ? (
        <p class="muted">
          Superseded: a newer change arrived before all proxies served this one, and they went on to the newer one. No
          change was lost.
        </p>
      ) : null}
    </div>
  );
}

function Legend() {
  return (
    <ul class="plain deliveries-legend muted">
      <li>
        <Key>
          <rect class="bar-rendered" width="18" height="10" />
        </Key>
        rendered and tested
      </li>
      <li>
        <Key>
          <rect class="bar-served" width="18" height="10" />
        </Key>
        served by all proxies
      </li>
      <li>
        <Key>
          <line class="bar-target" x1="9" x2="9" y1="0" y2="10" />
        </Key>
        target: {duration(TARGET_MS)}
      </li>
    </ul>
  );
}

function Key({ children }: { readonly children: ComponentChildren }) {
  return (
    <svg class="chart-key" width="18" height="10" aria-hidden="true">
      {children}
    </svg>
  );
}

/** Below the bars, in their column. */
function Axis({ ticks }: { readonly ticks: readonly number[] }) {
  return (
    <div class="deliveries-axis muted" aria-hidden="true">
      <span />
      <div>
        {ticks.map((tick) => (
          <span key={tick}>{`${tick / 1000} s`}</span>
        ))}
      </div>
      <span />
      <span class="muted" />
    </div>
  );
}

interface DeliveredProps {
  readonly delivery: Delivery;
  /** The duration of a full bar. */
  readonly top: number;
  /** Shown if not all proxies served it. */
  readonly unserved: string;
}

function Delivered({ delivery, top, unserved }: DeliveredProps) {
  const { version, seenAt, renderedMs, servedMs } = delivery;
  const width = (ms: number) => (servedMs === null ? 0 : (100 * ms) / top);
  const target = (100 * TARGET_MS) / top;
  return (
    <li title={`Rendered and tested after ${duration(renderedMs)}`}>
      <Version digest={version} />
      <svg class="bar" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">
        <rect class="bar-ground" y="2" width="100" height="6" />
        <rect class="bar-served" y="2" width={width(servedMs ?? 0)} height="6" />
        <rect class="bar-rendered" y="2" width={width(renderedMs)} height="6" />
        <line class="bar-target" x1={target} x2={target} y1="0" y2="10" />
      </svg>
      <span>{servedMs === null ? unserved : duration(servedMs)}</span>
      <span class="muted">
        <Ago at={seenAt} />
      </span>
    </li>
  );
}
