import type { State } from '../../controller/admin/state.ts';
import { count } from '../lib/format.ts';
import { healthOf } from '../lib/health.ts';
import { Signal } from '../parts/signal.tsx';
import { Ago } from '../parts/time.tsx';
import { Changes } from './overview/changes.tsx';
import { ClusterPanel } from './overview/cluster-panel.tsx';
import { Switch } from './overview/switch.tsx';
import { Worst } from './overview/worst.tsx';

export function Overview({ state }: { readonly state: State }) {
  return (
    <div class="stack">
      <Hero state={state} />
      <div class="columns">
        <div class="stack">
          {state.clusters.map((cluster) => (
            <ClusterPanel
              key={cluster.name}
              cluster={cluster}
              routes={state.routes.filter((route) => route.cluster === cluster.name)}
              enabled={state.enabled}
            />
          ))}
          <Changes changes={state.changes} />
        </div>
        <div class="stack">
          <Switch state={state} />
          <Worst problems={state.problems} />
        </div>
      </div>
    </div>
  );
}

function Hero({ state }: { readonly state: State }) {
  const { aspect, title, reason } = healthOf(state);
  const hosts = new Set(state.routes.map(({ host }) => host)).size;
  const closed = state.routes.filter(({ available }) => !available).length;
  return (
    <section class={`hero hero-${aspect}`} aria-labelledby="health">
      <Signal aspect={aspect} size="large" />
      <div class="hero-text">
        <h2 id="health">{title}</h2>
        <p>{reason}</p>
        {state.observedAt === null ? null : (
          <p class="muted small">
            Last check of the swarm: <Ago at={state.observedAt} />
          </p>
        )}
      </div>
      <dl class="figures">
        <Figure name="Hosts" value={hosts} href="#/routes" />
        <Figure
          name="Routes"
          value={state.routes.length}
          href="#/routes"
          note={closed > 0 ? `${count(closed, 'answers', 'answer')} 503` : undefined}
        />
        <Figure name="Services" value={state.services.length} href="#/routes" />
        <Figure name="Problems" value={state.problems.length} href="#/problems" />
      </dl>
    </section>
  );
}

interface FigureProps {
  readonly name: string;
  readonly value: number;
  readonly href: string;
  readonly note?: string | undefined;
}

function Figure({ name, value, href, note }: FigureProps) {
  return (
    <div class="figure">
      <dt>{name}</dt>
      <dd>
        <a href={href}>{value.toLocaleString('en')}</a>
        {note === undefined ? null : <span class="figure-note">{note}</span>}
      </dd>
    </div>
  );
}
