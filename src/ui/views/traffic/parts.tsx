import type { TrafficPart } from '../../../controller/admin/traffic.ts';
import { bytes, milliseconds, perSecond } from '../../lib/chart.ts';
import { type Place, toHash } from '../../lib/place.ts';
import { Scrolled } from '../../parts/scrolled.tsx';

const titles = { cluster: 'Service clusters', host: 'Hosts', route: 'Routes', task: 'Tasks' } as const;
const columns = { cluster: 'Cluster', host: 'Host', route: 'Path', task: 'Task' } as const;
const kinds = ['cluster', 'host', 'route', 'task'] as const;

interface PartsProps {
  readonly parts: readonly TrafficPart[];
  readonly place: Place;
}

/** What the shown requests consist of. */
export function Parts({ parts, place }: PartsProps) {
  const byKind = Map.groupBy(parts, ({ kind }) => kind);
  const shown = kinds.filter((kind) => byKind.has(kind) && (kind !== 'cluster' || byKind.get(kind)!.length > 1));
  if (shown.length === 0) return null;
  return (
    <>
      {shown.map((kind) => (
        <section key={kind} class="card" aria-labelledby={`parts-${kind}`}>
          <header class="card-head">
            <h2 id={`parts-${kind}`}>{titles[kind]}</h2>
          </header>
          <Scrolled label={titles[kind]}>
            <table class="traffic-table">
              <thead>
                <tr>
                  <th scope="col">{columns[kind]}</th>
                  {['Requests', '4xx', '5xx', 'p50', 'p95', 'p99', 'Sent'].map((title) => (
                    <th key={title} scope="col" class="number">
                      {title}
                    </th>
                  ))}
                </tr>
              </thead>
              <tbody>
                {byKind.get(kind)!.map((part) => (
                  <Row key={`${part.cluster} ${part.host} ${part.path} ${part.address}`} part={part} place={place} />
                ))}
              </tbody>
            </table>
          </Scrolled>
        </section>
      ))}
    </>
  );
}

function Row({ part, place }: { readonly part: TrafficPart; readonly place: Place }) {
  const { cluster, host, path, address, totals } = part;
  const query = {
    range: place.query.range ?? '',
    cluster,
    host: host ?? '',
    route: path ?? '',
    task: address ?? '',
  };
  const time = (ms: number | null) => (ms === null ? '–' : milliseconds(ms));
  return (
    <tr>
      <th scope="row">
        <a href={toHash({ view: 'traffic', query })}>{nameOf(part)}</a>
        {part.node === null ? null : <span class="muted small"> on {part.node}</span>}
        {part.task === null ? null : <span class="muted small"> {part.task.slice(0, 12)}</span>}
      </th>
      <td class="number">{perSecond(totals.perSecond)}</td>
      <td class="number">{totals.classes['4xx'].toLocaleString('en')}</td>
      <td class="number">{totals.classes['5xx'].toLocaleString('en')}</td>
      <td class="number">{time(totals.p50)}</td>
      <td class="number">{time(totals.p95)}</td>
      <td class="number">{time(totals.p99)}</td>
      <td class="number">{bytes(totals.sent)}</td>
    </tr>
  );
}

function nameOf({ kind, cluster, host, path, address }: TrafficPart): string {
  const name = { cluster, host, route: path, task: address }[kind];
  if (kind === 'host' && name === '*') return 'unknown hosts';
  return name ?? '';
}
