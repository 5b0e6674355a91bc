import type { RoutedService } from '../parse-service.ts';
import type { Problem } from '../problem.ts';
import { problemKind } from '../problem-kind.ts';
import { compareText, type Peer, withoutTasks } from '../route.ts';
import type { Cluster } from '../settings/clusters.ts';
import type { ServiceTask, SwarmNetwork, SwarmNode } from '../snapshot.ts';
import { allDoubtProblem, doubtProblem } from './doubt-problems.ts';
import {
  type ClusterDoubts,
  compareDoubts,
  MAX_DOUBTS,
  type NetworkSubnets,
  type WatchedNames,
} from './name-doubts.ts';
import { withoutName } from './without-name.ts';

export const addressesIgnored = problemKind({
  id: 'follow-addresses-ignored',
  severity: 'warning',
  meaning: `The setting FollowTasks = "addresses" puts the addresses of tasks into the configuration, which only agents load without new proxies.`,
  reason: (_cluster: string) => 'has no effect without HitlessServiceUpdate: each new task would replace all proxies',
  remedy: (cluster) => `Set Extensions.${cluster}.HitlessServiceUpdate = true, or remove this setting.`,
  example: ['default'],
  at: 'Extensions.default.FollowTasks "addresses"',
});

/**
 * Services that are reached at the addresses of their tasks, from Swarm's task list, instead of by DNS name. The addresses are sorted, so that every
 * proxy hashes in the same way.
 */
export type TasksByService = ReadonlyMap<string, readonly ServiceTask[]>;

/** Tasks on a lost node are removed immediately; Swarm itself replaces them later. */
export function reachableTasks(
  tasks: readonly ServiceTask[] | undefined,
  nodes: ReadonlyMap<string, SwarmNode>,
): TasksByService | undefined {
  if (tasks === undefined) return undefined;
  return Map.groupBy(
    tasks.filter(({ nodeId }) => nodes.get(nodeId)?.ready),
    ({ serviceId }) => serviceId,
  );
}

/** Each change of tasks changes the configuration, which requires agents. */
export function usesAddresses({ settings }: Cluster): boolean {
  return settings.FollowTasks === 'addresses' && settings.HitlessServiceUpdate;
}

/** Whether the agents watch the names that their nginx resolves. */
export function watchesNames({ settings }: Cluster): boolean {
  return settings.FollowTasks === 'auto' && settings.HitlessServiceUpdate;
}

export function ignoredAddresses({ name, settings }: Cluster): Problem[] {
  if (settings.FollowTasks !== 'addresses' || settings.HitlessServiceUpdate) return [];
  return [
    {
      ...addressesIgnored(name),
      cluster: name,
      label: `Extensions.${name}.FollowTasks`,
      value: settings.FollowTasks,
    },
  ];
}

/** Names that nginx resolves for a service. */
export function namesFor({ route: { backend } }: RoutedService): string[] {
  return backend.kind === 'peers' ? backend.peers.filter(({ resolve }) => resolve).map(({ address }) => address) : [];
}

export function isDoubted(routed: RoutedService, doubts: ClusterDoubts | undefined): boolean {
  if (doubts === undefined) return false;
  const names = namesFor(routed);
  return names.length > 0 && (doubts.all !== undefined || names.some((name) => doubts.names.has(name)));
}

const made = new WeakMap<RoutedService, { readonly key: string; readonly result: RoutedService }>();

/**
 * Uses the addresses of a service's tasks as peers; 503 if it has none, and the proxies stay on its network. In vip mode, the virtual address is
 * used. Unchanged if tasks are unknown, as in a compose file.
 */
export function withAddresses(routed: RoutedService, tasks: TasksByService | undefined): RoutedService {
  const { backend } = routed.route;
  if (tasks === undefined || backend.kind !== 'peers' || namesFor(routed).length === 0) return routed;
  if (backend.peers.some(({ virtual }) => virtual))
    return routed.virtualAddress === undefined ? routed : withoutName(routed);
  const addresses = addressesOf(routed, tasks);
  const key = addresses.join();
  const known = made.get(routed);
  if (known?.key === key) return known.result;
  const result = replacePeers(routed, addresses);
  made.set(routed, { key, result });
  return result;
}

function addressesOf({ route, networkId = '' }: RoutedService, tasks: TasksByService): string[] {
  const own = tasks.get(route.service.id) ?? [];
  return [...new Set(own.flatMap(({ addresses }) => addresses[networkId] ?? []))].toSorted(compareText);
}

function replacePeers(routed: RoutedService, addresses: readonly string[]): RoutedService {
  const { route } = routed;
  if (route.backend.kind !== 'peers') return routed;
  const peers = route.backend.peers.flatMap(({ exactCase: _, ...peer }): Peer[] =>
    peer.resolve ? addresses.map((address) => ({ ...peer, address, resolve: false })) : [peer],
  );
  return {
    ...routed,
    route: { ...route, backend: peers.length === 0 ? withoutTasks(route.options) : { kind: 'peers', peers } },
  };
}

/** For the agents: the networks of all names, and names in doubt, which nginx does not resolve at the moment. */
export function watchedNames(
  routed: readonly RoutedService[],
  doubts: ClusterDoubts | undefined,
  networks: ReadonlyMap<string, SwarmNetwork>,
): WatchedNames {
  const named = routed.filter((service) => namesFor(service).length > 0);
  const ids = new Set(named.flatMap(({ networkId }) => networkId ?? []));
  const doubted = named.filter((service) => isDoubted(service, doubts)).flatMap(namesFor);
  const known = [...new Set(doubted)].map((name) => doubts?.names.get(name) ?? { name, kind: doubts?.all ?? 'silent' });
  return {
    networks: [...ids].flatMap((id) => subnetsOf(networks.get(id))).toSorted((a, b) => compareText(a.name, b.name)),
    doubted: known
      .toSorted(compareDoubts)
      .slice(0, MAX_DOUBTS)
      .map(({ name }) => name)
      .toSorted(compareText),
  };
}

function subnetsOf(network: SwarmNetwork | undefined): NetworkSubnets[] {
  const { name = '', subnets = [] } = network ?? {};
  return subnets.length === 0 ? [] : [{ name, subnets: subnets.toSorted(compareText) }];
}

/** One for each name, or one for all. */
export function doubtProblems(
  named: readonly RoutedService[],
  doubts: ClusterDoubts | undefined,
  cluster: string,
  networks: ReadonlyMap<string, SwarmNetwork>,
): Problem[] {
  if (doubts === undefined) return [];
  const single = named.flatMap((service) =>
    namesFor(service).flatMap((name) => {
      const doubt = doubts.names.get(name);
      const isShown = doubt && (doubts.all === undefined || doubt.kind === 'foreign');
      return isShown ? [doubtProblem(doubt, service.route.service.name, cluster, networks.values())] : [];
    }),
  );
  return doubts.all === undefined ? single : [...single, allDoubtProblem(doubts.all, cluster)];
}
