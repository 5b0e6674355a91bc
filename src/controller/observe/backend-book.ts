import { memoizeLast, sameItems } from '../../lib/memo.ts';
import { orAborted } from '../../lib/or-aborted.ts';
import { sleep } from '../../lib/sleep.ts';
import {
  type BackendState,
  type Backends,
  backendState,
  type RoutedOwner,
  routedOwners,
} from '../../model/backends/backends.ts';
import { faultsByService, knownPeers, type PortFaults } from '../../model/backends/connections.ts';
import { judgeTasks, type TaskHealth } from '../../model/backends/health.ts';
import type { DesiredState } from '../../model/desired-state.ts';
import { splitName } from '../../model/dns/name-doubts.ts';
import type { Snapshot, TaskCounts } from '../../model/snapshot.ts';
import type { Renderer, Swarm } from '../ports.ts';

export interface BackendBookOptions {
  readonly swarm: Pick<Swarm, 'serviceTasks'>;
  readonly renderer: Pick<Renderer, 'reports'>;
  readonly now: () => number;
}

/** Services whose tasks are listed in one call. */
const MOST_AT_ONCE = 100;
const FIRST_LOOK_MS = 500;
const LOOK_INTERVAL_MS = 2000;
/** Maximum share of time for listing tasks. */
const LEAST_SHARE = 20;
/** Swarm replaces the first tasks within this time after a change of the service. */
const SETTLING_MS = 4000;

const NO_COUNTS: ReadonlyMap<string, TaskCounts> = new Map();

/**
 * Follows the tasks of routed services. Swarm has no events for tasks, so the tasks of a service are listed only while something says that they may
 * not run: an event of the service, fewer running than desired tasks in the last listing of all services, or a proxy that misses its name in Docker's
 * DNS. A swarm in which all tasks run costs nothing.
 */
export class BackendBook {
  readonly #options: BackendBookOptions;
  /** Services that are looked at, by ID, with the time until which they are looked at in any case. */
  readonly #watched = new Map<string, number>();
  readonly #health = new Map<string, TaskHealth>();
  readonly #ownersOf = memoizeLast((desired: DesiredState, services: Snapshot['services']) =>
    routedOwners(desired, services),
  );
  readonly #peersOf = memoizeLast(({ clusters }: DesiredState) =>
    // A server that accepts no TCP connection may answer over UDP.
    knownPeers(
      clusters.flatMap(({ routes, streams }) => [...routes, ...streams.filter(({ protocol }) => protocol === 'tcp')]),
    ),
  );
  #owners: ReadonlyMap<string, RoutedOwner> = new Map();
  #readyNodes: ReadonlySet<string> = new Set();
  #counts = NO_COUNTS;
  #wake = Promise.withResolvers<void>();
  #backends: Backends = new Map();
  /** What they were collected from. */
  #sources: readonly unknown[] = [];
  #looks = 0;

  constructor(options: BackendBookOptions) {
    this.#options = options;
  }

  /** A service was created, changed or removed. */
  note(serviceId: string): void {
    this.#watch(serviceId, this.#options.now() + SETTLING_MS);
  }

  #watch(serviceId: string, until = 0): void {
    this.#watched.set(serviceId, Math.max(until, this.#watched.get(serviceId) ?? 0));
    this.#wake.resolve();
  }

  /**
   * The state of all routed services, from what is known. Asks nobody. Only reports from the given tasks count: an extension keeps those of ended
   * proxies for a while.
   */
  judge(snapshot: Snapshot, desired: DesiredState, proxies: ReadonlySet<string>): Backends {
    this.#owners = this.#ownersOf(desired, snapshot.services);
    this.#readyNodes = new Set(snapshot.nodes.filter(({ ready }) => ready).map(({ id }) => id));
    this.#takeCounts(snapshot.taskCounts);
    const reports = desired.clusters
      .flatMap(({ cluster }) => this.#options.renderer.reports(cluster.settings.ServiceName)?.replicas ?? [])
      .filter(({ task }) => proxies.has(task));
    this.#watchMissing(reports.flatMap(({ doubts }) => doubts?.names ?? []).map(({ name }) => name));
    const found = reports.flatMap(({ faults }) => faults ?? []);
    const faults = found.length === 0 ? NO_FAULTS : faultsByService(found, this.#peersOf(desired));
    const sources = [this.#owners, this.#counts, this.#looks, faults];
    if (!sameItems(sources, this.#sources)) this.#backends = this.#collect(faults);
    this.#sources = sources;
    return this.#backends;
  }

  /** A new listing of all services: those with too few tasks are looked at, the others are done. */
  #takeCounts(counts = NO_COUNTS): void {
    if (counts === this.#counts) return;
    this.#counts = counts;
    for (const { id, replicas } of this.#owners.values()) {
      const { running = 0, desired = 0 } = counts.get(id) ?? {};
      if (running < (replicas ?? desired)) this.#watch(id);
    }
    for (const id of this.#health.keys()) if (!this.#watched.has(id)) this.#health.delete(id);
  }

  #watchMissing(names: readonly string[]): void {
    if (names.length === 0) return;
    const missing = new Set(names.flatMap((name) => splitName(name)?.service ?? []));
    for (const { id, name } of this.#owners.values()) if (missing.has(name)) this.#watch(id);
  }

  #collect(faults: ReadonlyMap<string, PortFaults>): Backends {
    const states = new Map<string, BackendState>();
    for (const owner of this.#owners.values()) {
      const { id, name } = owner;
      const state = backendState(owner, this.#health.get(id), this.#counts.get(id), faults.get(id));
      if (state !== undefined) states.set(name, state);
    }
    return states;
  }

  /** Lists the tasks of the watched services. Resolves to whether anything has changed. */
  async look(): Promise<boolean> {
    const { swarm, now } = this.#options;
    for (const [id, until] of this.#watched) if (!this.#owners.has(id) && now() > until) this.#watched.delete(id);
    const ids = [...this.#watched.keys()].filter((id) => this.#owners.has(id)).slice(0, MOST_AT_ONCE);
    if (ids.length === 0) return false;
    const tasks = Map.groupBy(await swarm.serviceTasks(ids), ({ serviceId }) => serviceId);
    const changes = ids.map((id) => {
      const before = this.#health.get(id);
      const { replicas } = this.#owners.get(id)!;
      const health = judgeTasks(replicas, tasks.get(id) ?? [], (node) => this.#readyNodes.has(node), now());
      const until = this.#watched.get(id)!;
      // Moves it to the end, so that all get their turn.
      this.#watched.delete(id);
      if (!health.isSteady || now() <= until) this.#watched.set(id, until);
      this.#health.set(id, health);
      return JSON.stringify(before) !== JSON.stringify(health);
    });
    if (!changes.includes(true)) return false;
    this.#looks += 1;
    return true;
  }

  /** Looks until the signal aborts, while there is something to watch. */
  async run(onChange: () => void, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      if (this.#watched.size === 0) {
        this.#wake = Promise.withResolvers();
        await orAborted(this.#wake.promise, signal);
        await sleep(FIRST_LOOK_MS, signal);
      }
      if (signal.aborted) return;
      const begunAt = performance.now();
      // The next pass fails too and reports the error.
      if (await this.look().catch(() => false)) onChange();
      const tookMs = performance.now() - begunAt;
      if (this.#watched.size > 0) await sleep(Math.max(LOOK_INTERVAL_MS, tookMs * LEAST_SHARE), signal);
    }
  }
}

const NO_FAULTS: ReadonlyMap<string, PortFaults> = new Map();
