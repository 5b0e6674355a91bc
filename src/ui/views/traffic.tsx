import { useEffect, useRef, useState } from 'preact/hooks';
import type { TrafficTotals, TrafficView } from '../../controller/admin/traffic.ts';
import { readTraffic } from '../api.ts';
import { bytesPerSecond, milliseconds, perSecond, short } from '../lib/chart.ts';
import { type Place, toHash } from '../lib/place.ts';
import { steps } from '../live.ts';
import { replaceQuery } from '../location.ts';
import { Failure, Loading } from '../parts/notes.tsx';
import { Charts } from './traffic/charts.tsx';
import { Errors } from './traffic/errors.tsx';
import { Parts } from './traffic/parts.tsx';

const ranges = { '5m': '5 minutes', '15m': '15 minutes', '1h': '1 hour', '24h': '24 hours' } as const;
const SCOPE = ['cluster', 'host', 'route', 'task'] as const;
/** The steps of a day are minutes. */
const DAY_EVERY_MS = 30_000;

export function Traffic({ place }: { readonly place: Place }) {
  const { range = '15m' } = place.query;
  const query = {
    range,
    ...Object.fromEntries(SCOPE.flatMap((name) => (place.query[name] ? [[name, place.query[name]] as const] : []))),
  };
  const { view, failure } = useTraffic(query);
  return (
    <div class="stack">
      <section class="card" aria-label="Requests">
        <header class="card-head traffic-choice">
          <Trail place={place} />
          <label>
            Range{' '}
            <select value={range} onChange={({ currentTarget }) => replaceQuery(place, { range: currentTarget.value })}>
              {Object.entries(ranges).map(([value, text]) => (
                <option key={value} value={value}>
                  {text}
                </option>
              ))}
            </select>
          </label>
        </header>
        {failure === undefined ? null : <Failure>{failure}</Failure>}
        {view === undefined && failure === undefined ? <Loading what="the requests" rows={5} /> : null}
        {view === undefined ? null : (
          <div class="stack">
            <Figures view={view} />
            <Charts view={view} />
          </div>
        )}
      </section>
      {view === undefined ? null : (
        <>
          <Parts parts={view.parts} place={place} />
          <Errors errors={view.errors} />
        </>
      )}
    </div>
  );
}

/** The numbers of a query, loaded again after each step. */
function useTraffic(query: Readonly<Record<string, string>>) {
  const key = JSON.stringify(query);
  const [loaded, setLoaded] = useState<{ key: string; view?: TrafficView; failure?: string }>();
  const lastAt = useRef(0);
  useEffect(() => {
    let isCurrent = true;
    const load = async () => {
      lastAt.current = Date.now();
      const result = await readTraffic(JSON.parse(key)).then(
        (view) => ({ view }),
        ({ message }: Error) => ({ failure: message }),
      );
      if (isCurrent) setLoaded({ key, ...result });
    };
    const onStep = () => {
      const isTooEarly = query.range === '24h' && Date.now() - lastAt.current < DAY_EVERY_MS;
      if (document.visibilityState === 'visible' && !isTooEarly) void load();
    };
    void load();
    steps.addEventListener('step', onStep);
    return () => {
      isCurrent = false;
      steps.removeEventListener('step', onStep);
    };
  }, [key, query.range]);
  return loaded?.key === key ? loaded : { view: undefined, failure: undefined };
}

/** From everything to the chosen part. */
function Trail({ place }: { readonly place: Place }) {
  const { range = '' } = place.query;
  const chosen = SCOPE.filter((name) => place.query[name]);
  const upTo = (count: number) => Object.fromEntries(chosen.slice(0, count).map((name) => [name, place.query[name]!]));
  return (
    <nav class="trail" aria-label="Shown part">
      {chosen.length === 0 ? 'Everything' : <a href={toHash({ view: 'traffic', query: { range } })}>Everything</a>}
      {chosen.map((name, index) => (
        <span key={name}>
          {'› '}
          {index === chosen.length - 1 ? (
            place.query[name]
          ) : (
            <a href={toHash({ view: 'traffic', query: { range, ...upTo(index + 1) } })}>{place.query[name]}</a>
          )}
        </span>
      ))}
    </nav>
  );
}

function Figures({ view: { totals, connections, from, stepSeconds, steps } }: { readonly view: TrafficView }) {
  const seconds = steps.requests.length * stepSeconds;
  const { classes, requests } = totals;
  return (
    <dl class="traffic-figures" data-from={from}>
      <Figure name="Requests" value={perSecond(totals.perSecond)} note={`${requests.toLocaleString('en')} in total`} />
      <Figure
        name="Server errors"
        value={share(classes['5xx'], requests)}
        note={`${classes['5xx'].toLocaleString('en')} of 5xx, ${classes['4xx'].toLocaleString('en')} of 4xx`}
      />
      <Figure
        name="Response time, p95"
        value={totals.p95 === null ? '–' : milliseconds(totals.p95)}
        note={
          totals.p50 === null ? 'no task answered' : `p50 ${milliseconds(totals.p50)}, p99 ${milliseconds(totals.p99!)}`
        }
      />
      <Figure
        name="Sent"
        value={bytesPerSecond(totals.sent / seconds)}
        note={`received ${bytesPerSecond(totals.received / seconds)}`}
      />
      {connections === null ? null : (
        <Figure
          name="Open connections"
          value={short(connections.open)}
          note={`${short(connections.writing)} with a request or WebSocket`}
        />
      )}
      <Figure name="TLS" value={share(requests - totals.tls.none, requests)} note={tlsText(totals)} />
    </dl>
  );
}

interface FigureProps {
  readonly name: string;
  readonly value: string;
  readonly note: string;
}

function Figure({ name, value, note }: FigureProps) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>
        {value}
        <span class="note">{note}</span>
      </dd>
    </div>
  );
}

function share(part: number, whole: number): string {
  return whole === 0 ? '–' : `${Number(((100 * part) / whole).toFixed(part < whole / 100 ? 2 : 1))} %`;
}

function tlsText({ tls, requests }: TrafficTotals): string {
  const used = Object.entries(tls).filter(([, count]) => count > 0);
  if (used.length === 0) return 'no requests';
  return used.map(([name, count]) => `${name === 'none' ? 'without' : name} ${share(count, requests)}`).join(', ');
}
