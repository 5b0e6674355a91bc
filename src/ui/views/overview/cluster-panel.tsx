import type { ClusterView, ReplicaView, RouteView } from '../../../controller/admin/state.ts';
import { count } from '../../lib/format.ts';
import { clusterAspect, isCurrent } from '../../lib/health.ts';
import { toHash } from '../../lib/place.ts';
import { Lamp } from '../../parts/signal.tsx';
import { Version } from '../../parts/version.tsx';
import { Deliveries } from './deliveries.tsx';
import { Junction } from './junction.tsx';

interface ClusterPanelProps {
  readonly cluster: ClusterView;
  readonly routes: readonly RouteView[];
  readonly enabled: boolean;
}

/** A cluster drawn like a signal box panel: from the ports through the proxies to the services. */
export function ClusterPanel({ cluster, routes, enabled }: ClusterPanelProps) {
  const aspect = enabled ? clusterAspect(cluster) : 'off';
  const { name, version, replicas, rolling } = cluster;
  return (
    <section class={`card panel panel-${aspect}`} aria-labelledby={`cluster-${name}`}>
      <header class="card-head">
        <h2 id={`cluster-${name}`}>
          <Lamp aspect={aspect} /> {name}
        </h2>
        {enabled ? (
          <span class="muted small">
            version <Version digest={version} />
            {rolling ? ' rolling out' : ''}
          </span>
        ) : null}
      </header>
      <div class={rolling ? 'track track-moving' : 'track'}>
        <Ports cluster={cluster} />
        <Junction from={2} to={Math.max(1, replicas.length)} />
        <Replicas cluster={cluster} enabled={enabled} />
        <Junction from={Math.max(1, replicas.length)} to={1} />
        <Destinations cluster={name} routes={routes} />
      </div>
      <Deliveries history={cluster.history} />
    </section>
  );
}

function Ports({ cluster: { httpPort, httpsPort, publishMode } }: { readonly cluster: ClusterView }) {
  const where = publishMode === 'host' ? 'on the nodes that run proxies' : 'on every node';
  return (
    <ul class="stops" aria-label={`Published ${where}`} title={`Published ${where}`}>
      <Port name="HTTP" port={httpPort} />
      <Port name="HTTPS" port={httpsPort} />
    </ul>
  );
}

function Port({ name, port }: { readonly name: string; readonly port: number }) {
  return (
    <li class="stop stop-port">
      <span class="muted small">{name}</span>
      <b>{port}</b>
    </li>
  );
}

function Replicas({ cluster, enabled }: { readonly cluster: ClusterView; readonly enabled: boolean }) {
  if (cluster.replicas.length === 0)
    return (
      <ul class="stops" aria-label="Proxies">
        <li class="stop stop-none muted">{enabled ? 'No proxies yet' : 'Off'}</li>
      </ul>
    );
  return (
    <ul class="stops" aria-label="Proxies">
      {cluster.replicas.map((replica) => (
        <Replica key={replica.task} replica={replica} cluster={cluster} />
      ))}
    </ul>
  );
}

function Replica({ replica, cluster }: { readonly replica: ReplicaView; readonly cluster: ClusterView }) {
  const { node, state, version, error } = replica;
  return (
    <li class="stop" title={`Task ${replica.task}`}>
      <span class="stop-name">
        <Lamp aspect={error !== null ? 'danger' : isCurrent(replica, cluster) ? 'clear' : 'caution'} />{' '}
        {node ?? 'not scheduled'}
      </span>
      <span class="muted small">
        {state} · <Version digest={version} />
      </span>
      {error === null ? null : <span class="stop-error small">{error}</span>}
    </li>
  );
}

function Destinations({ cluster, routes }: { readonly cluster: string; readonly routes: readonly RouteView[] }) {
  const services = new Set(routes.flatMap((route) => route.services)).size;
  return (
    <div class="stops">
      <a
        class="stop stop-link"
        href={toHash({ view: 'routes', query: { filter: cluster === 'default' ? '' : cluster } })}
      >
        <b>{count(routes.length, 'route')}</b>
        <span class="muted small">to {count(services, 'service')}</span>
      </a>
    </div>
  );
}
