import type { SwarmNode } from '../../model/snapshot.ts';
import type { Identity } from '../../protocol/names.ts';
import type { TrafficSource } from '../admin/traffic-route.ts';
import type { Swarm } from '../ports.ts';
import type { StatusBoard } from '../reconcile/status.ts';
import { followTraffic } from './follow-traffic.ts';
import { TrafficRecorder } from './traffic-recorder.ts';
import { type TaskNames, type ViewOptions, viewTraffic } from './view.ts';

export interface TrafficOptions {
  readonly identity: () => Identity;
  readonly status: Pick<StatusBoard, 'current'>;
  readonly swarm: Pick<Swarm, 'tasks'>;
  readonly clusters: readonly { readonly name: string; readonly settings: { readonly ServiceName: string } }[];
  readonly now: () => number;
}

/** Follows the proxies' reports of all clusters until the signal aborts. */
export function startTraffic(options: TrafficOptions, signal: AbortSignal): TrafficSource {
  const { identity, status, clusters, now } = options;
  const table = (name: string) => status.current?.desired.clusters.find(({ cluster }) => cluster.name === name)?.table;
  const recorder = new TrafficRecorder({ table, now });
  recorder.run(signal);
  for (const { name, settings } of clusters)
    void followTraffic({ identity, recorder }, { service: settings.ServiceName, cluster: name }, signal);
  return toSource({ recorder, tasksOf: (cluster, host) => namesOf(options, cluster, host), now });
}

/** The administration's interface to what is recorded. */
export function toSource(options: ViewOptions): TrafficSource {
  const { recorder } = options;
  return {
    view: (query) => viewTraffic(options, query),
    last: (cluster) => recorder.last(cluster),
    subscribe: (listener) => recorder.store.subscribe(listener),
  };
}

/** Tasks are listed only when somebody looks at a host: Swarm has no events for tasks. */
async function namesOf({ status, swarm }: TrafficOptions, cluster: string, host: string): Promise<TaskNames> {
  const { desired, snapshot } = status.current ?? {};
  const table = desired?.clusters.find((state) => state.cluster.name === cluster)?.table;
  const locations =
    host === '*' ? table?.fallback : table?.servers.find((server) => server.host.name === host)?.locations;
  const owners = new Set(locations?.flatMap(({ services }) => services));
  const services = snapshot?.services.filter(({ name }) => owners.has(name)) ?? [];
  // Without names, addresses are shown.
  const lists = await Promise.all(services.map(({ id }) => swarm.tasks(id).catch(() => [])));
  const nodes = new Map(snapshot?.nodes.map((node: SwarmNode) => [node.id, node.name]));
  return new Map(
    lists.flat().flatMap(({ id, nodeId, addresses }) => {
      const name = { task: id, node: nodes.get(nodeId ?? '') ?? null };
      return Object.values(addresses).flatMap((list) => list.map((address) => [address.split('/')[0]!, name] as const));
    }),
  );
}
