import { memoize } from '../lib/memo.ts';
import type { Host } from './hosts/host.ts';
import type { RoutedService } from './parse-service.ts';
import { type Problem, shownValue } from './problem.ts';
import { asGiven, problemKind } from './problem-kind.ts';
import { compareOwners, labelName, type Route, routeName, withHosts } from './route.ts';
import { addUsage, hostUsage, NO_USAGE, routeUsage, sharedUsage, type Usage } from './usage.ts';

export const limitExceeded = problemKind({
  id: 'limit-exceeded',
  severity: 'error',
  meaning: `A service or a cluster needs more configuration, memory or regular expressions than one may have. The routes beyond the limit are ignored. See [limits.md](limits.md).`,
  ...asGiven,
  example: [
    'needs more than 1 MiB of configuration, the share of one service; app.example.org and 3 more are ignored',
    'Use fewer hosts and routes, or a wildcard such as *.example.org.',
  ],
  at: 'com.docker.lb.hosts',
});

type Resource = keyof Usage | 'hostBytes';

const KIB = 1024;
const MIB = 1024 * KIB;

/** The limits for all services of a cluster together. The oldest services come first. */
export const CLUSTER_SHARE: Usage = { steps: 1_000_000, bytes: 32 * MIB, mainBytes: 640 * KIB, zoneKb: MIB };
/** The limits for one service. */
export const SERVICE_SHARE: Usage = { steps: 100_000, bytes: 2 * MIB, mainBytes: 96 * KIB, zoneKb: 32 * KIB };
/** The maximum size of one host's configuration, from all services together, which is in one file. */
export const HOST_BYTES = 640 * KIB;

export type KeepWithin = (routed: readonly RoutedService[], cluster: string) => Kept;

export interface Kept {
  readonly routed: readonly RoutedService[];
  readonly problems: readonly Problem[];
}

/**
 * Limits services to the capacity of the cluster's configuration, host by host in the order of the labels, the oldest services first. A service
 * beyond its limit keeps the hosts that it had before it grew. Reduced routes stay the same objects while they are unchanged.
 */
export function createBudget(): KeepWithin {
  let before: ReadonlyMap<Route, Route> = new Map();
  return (routed, cluster) => {
    if (fitsWithoutCuts(routed)) return { routed, problems: [] };
    const cut = new Map<RoutedService, Route | undefined>();
    const problems: Problem[] = [];
    const shared = { total: new Account(CLUSTER_SHARE), hosts: new Map<string, number>() };
    for (const own of oldestFirst(routed)) {
      const accounts = { ...shared, account: new Account(SERVICE_SHARE) };
      const ignored: Ignored[] = [];
      for (const each of own) {
        const route = keepHosts(each, accounts, ignored);
        if (route !== each.route) cut.set(each, route && sameAs(before.get(each.route), route));
      }
      problems.push(...toProblems(ignored, cluster));
    }
    before = new Map([...cut].flatMap(([{ route }, kept]) => (kept === undefined ? [] : [[route, kept]])));
    return { routed: withCut(routed, cut), problems };
  };
}

function oldestFirst(routed: readonly RoutedService[]): RoutedService[][] {
  const services = [...Map.groupBy(routed, ({ route }) => route.service.id).values()];
  return services.toSorted(([a], [b]) => compareOwners(a!.route.service, b!.route.service));
}

function withCut(
  routed: readonly RoutedService[],
  cut: ReadonlyMap<RoutedService, Route | undefined>,
): RoutedService[] {
  return routed.flatMap((each) => {
    if (!cut.has(each)) return [each];
    const route = cut.get(each);
    return route === undefined ? [] : [{ ...each, route }];
  });
}

function sameAs(known: Route | undefined, route: Route): Route {
  return known && JSON.stringify(known) === JSON.stringify(route) ? known : route;
}

/** Tracks the used capacity. */
class Account {
  readonly #share: Usage;
  #used = NO_USAGE;
  readonly #shared = new Set<string>();

  constructor(share: Usage) {
    this.#share = share;
  }

  /** The first resource that is insufficient; undefined if there is enough. */
  lacks(usage: Usage, shared: ReadonlyMap<string, number>): keyof Usage | undefined {
    const needed = addUsage(this.#used, this.#with(usage, shared));
    return RESOURCES.find((resource) => needed[resource] > this.#share[resource]);
  }

  charge(usage: Usage, shared: ReadonlyMap<string, number>): void {
    this.#used = addUsage(this.#used, this.#with(usage, shared));
    for (const key of shared.keys()) this.#shared.add(key);
  }

  #with(usage: Usage, shared: ReadonlyMap<string, number>): Usage {
    if (shared.size === 0) return usage;
    let more = 0;
    for (const [key, bytes] of shared) if (!this.#shared.has(key)) more += bytes;
    return { ...usage, bytes: usage.bytes + more, mainBytes: usage.mainBytes + more };
  }
}

const RESOURCES = Object.keys(NO_USAGE) as (keyof Usage)[];

interface Accounts {
  readonly account: Account;
  readonly total: Account;
  /** Bytes by host. */
  readonly hosts: Map<string, number>;
}

interface Ignored {
  readonly route: Route;
  readonly host: Host | undefined;
  readonly resource: Resource;
  readonly scope: 'service' | 'cluster';
}

/** The usage of a route with all of its hosts. */
interface Needs {
  readonly usage: Usage;
  readonly shared: ReadonlyMap<string, number>;
  readonly hosts: readonly HostNeeds[];
}

interface HostNeeds {
  /** Undefined for hosts that no other route answers. */
  readonly host: Host | undefined;
  readonly key: string;
  readonly usage: Usage;
}

const needsOf = memoize(({ route, peerCount }: RoutedService): Needs => {
  const hosts = [...(route.isDefault ? [undefined] : []), ...route.hosts].map((host) => ({
    host,
    key: host === undefined ? '' : `${host.kind} ${host.name}`,
    usage: hostUsage(route, host),
  }));
  const usage = hosts.reduce((sum, host) => addUsage(sum, host.usage), routeUsage(route, peerCount));
  return { usage, shared: sharedUsage(route), hosts };
});

/** The usual case, in which the age of services makes no difference. */
function fitsWithoutCuts(routed: readonly RoutedService[]): boolean {
  const total = new Account(CLUSTER_SHARE);
  const hosts = new Map<string, number>();
  const services = new Map<string, Account>();
  return routed.every((each) => {
    const { id } = each.route.service;
    const account = services.get(id) ?? new Account(SERVICE_SHARE);
    services.set(id, account);
    return takeWhole(needsOf(each), { account, total, hosts });
  });
}

function takeWhole({ usage, shared, hosts: all }: Needs, { account, total, hosts }: Accounts): boolean {
  if (account.lacks(usage, shared) ?? total.lacks(usage, shared)) return false;
  if (all.some((each) => (hosts.get(each.key) ?? 0) + each.usage.bytes > HOST_BYTES)) return false;
  account.charge(usage, shared);
  total.charge(usage, shared);
  for (const each of all) hosts.set(each.key, (hosts.get(each.key) ?? 0) + each.usage.bytes);
  return true;
}

/** The route with the hosts that fit; undefined if none fits. */
function keepHosts(routed: RoutedService, accounts: Accounts, ignored: Ignored[]): Route | undefined {
  const { route, peerCount } = routed;
  const needs = needsOf(routed);
  if (takeWhole(needs, accounts)) return route;
  // Connections to a port. Streams have limits of their own.
  if (needs.hosts.length === 0) return route;
  let once = routeUsage(route, peerCount);
  const kept = needs.hosts.filter((each) => {
    const needed = { usage: addUsage(each.usage, once), shared: needs.shared, hosts: [each] };
    if (takeWhole(needed, accounts)) {
      once = NO_USAGE;
      return true;
    }
    const { account, total } = accounts;
    const ofService = account.lacks(needed.usage, needed.shared);
    const resource = ofService ?? total.lacks(needed.usage, needed.shared) ?? 'hostBytes';
    ignored.push({ route, host: each.host, resource, scope: ofService === undefined ? 'cluster' : 'service' });
    return false;
  });
  if (kept.length === 0) return undefined;
  const hosts = kept.flatMap(({ host }) => host ?? []);
  return withHosts(route, hosts, hosts.length < kept.length);
}

/** One problem for each resource: a service may have thousands of hosts. */
function toProblems(ignored: readonly Ignored[], cluster: string): Problem[] {
  const byCause = Map.groupBy(ignored, ({ resource, scope }) => `${scope} ${resource}`);
  return [...byCause.values()].map((all) => toProblem(all, cluster));
}

function toProblem(all: readonly Ignored[], cluster: string): Problem {
  const { route, host, resource, scope } = all[0]!;
  const more = all.length === 1 ? '' : ` and ${all.length - 1} more`;
  const ignored = `${shownValue(routeName(host, route.path))}${more} ${all.length === 1 ? 'is' : 'are'} ignored`;
  return {
    ...limitExceeded(
      `${reasonOf(resource, scope, cluster)}; ${ignored}`,
      scope === 'service' ? REMEDIES[resource] : CLUSTER_REMEDIES[resource],
    ),
    service: route.service.name,
    cluster,
    label: labelName(host === undefined ? 'default_backend' : 'hosts', route.labels),
  };
}

function reasonOf(resource: Resource, scope: Ignored['scope'], cluster: string): string {
  if (resource === 'hostBytes') return `has a host with more than ${HOST_BYTES / KIB} KiB of configuration`;
  const share = scope === 'service' ? SERVICE_SHARE : CLUSTER_SHARE;
  const amount = AMOUNTS[resource](share[resource]);
  return scope === 'service'
    ? `needs more than ${amount}, the share of one service`
    : `finds no room in cluster ${cluster}, whose older services use most of ${amount}`;
}

const AMOUNTS: Readonly<Record<keyof Usage, (share: number) => string>> = {
  steps: (steps) => `${steps.toLocaleString('en')} comparisons for regular expressions`,
  bytes: (bytes) => `${bytes / MIB} MiB of configuration`,
  mainBytes: (bytes) => `${bytes / KIB} KiB of the main configuration file`,
  zoneKb: (kb) => `${kb / KIB} MiB of memory for task addresses and limits`,
};

const REMEDIES: Readonly<Record<Resource, string>> = {
  steps: 'Use fewer regular expressions, or a wildcard such as *.example.org.',
  bytes: 'Use fewer hosts and routes, or a wildcard such as *.example.org.',
  mainBytes: 'Use fewer regular expressions, cookie names, allow lists, and lengths of context roots that are removed.',
  zoneKb: 'Set fewer replicas or limits, or backend_mode to vip.',
  hostBytes: 'Use fewer context roots on one host.',
};

const CLUSTER_REMEDIES: Readonly<Record<Resource, string>> = {
  ...REMEDIES,
  steps: 'Use a wildcard such as *.example.org, or another service cluster.',
  bytes: 'Use another service cluster (label service_cluster).',
  mainBytes: 'Use another service cluster (label service_cluster).',
  zoneKb: 'Use another service cluster (label service_cluster), or backend_mode vip.',
};
