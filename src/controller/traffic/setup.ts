import type { RouteTable } from '../../model/route-table/table.ts';
import type { SwarmNode } from '../../model/snapshot.ts';
import { streamName } from '../../model/streams/stream-route.ts';
import type { StreamTable } from '../../model/streams/stream-table.ts';
import { isStreamPort } from '../../model/traffic.ts';
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
  const stateOf = (name: string) => status.current?.desired.clusters.find(({ cluster }) => cluster.name === name);
  const table = (name: string) => stateOf(name)?.table;
  const ports = (name: string) => stateOf(name)?.streamTable.ports;
  const recorder = new TrafficRecorder({ table, ports, now });
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

function ownersOfHost(table: RouteTable | undefined, host: string): ReadonlySet<string> {
  const locations =
    host === '*' ? table?.fallback : table?.servers.find((server) => server.host.name === host)?.locations;
  return new Set(locations?.flatMap(({ services }) => services));
}

function ownersOfPort(table: StreamTable | undefined, name: string): ReadonlySet<string> {
  const port = table?.ports.find((one) => streamName(one) === name);
  const routed = [...(port?.servers ?? []), ...(port?.fallback ? [port.fallback] : [])];
  return new Set(routed.map(({ route }) => route.service.name));
}

/** Tasks are listed only when somebody looks at a host: Swarm has no events for tasks. */
async function namesOf({ status, swarm }: TrafficOptions, cluster: string, host: string): Promise<TaskNames> {
  const { desired, snapshot } = status.current ?? {};
  const state = desired?.clusters.find((one) => one.cluster.name === cluster);
  const owners = isStreamPort(host) ? ownersOfPort(state?.streamTable, host) : ownersOfHost(state?.table, host);
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
