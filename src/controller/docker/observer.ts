import { isDeepStrictEqual } from 'node:util';
import type Docker from 'dockerode';
import { memoize } from '../../lib/memo.ts';
import { sleep } from '../../lib/sleep.ts';
import { asksForRoutes } from '../../model/labels/hrm.ts';
import type { HostTask, OwnedService, ServiceTask, Snapshot, SwarmService } from '../../model/snapshot.ts';
import { type ChooseFollowed, ConflictError } from '../ports.ts';
import { parseAnswer } from './answer.ts';
import { Collection } from './collection.ts';
import { call, callForList, isStatus } from './docker-error.ts';
import { EngineNetwork, EngineNode, EngineObject, EngineService, EngineTask } from './schema.ts';
import { countsIn } from './task-records.ts';
import {
  hasHostPorts,
  isOwned,
  toHostTask,
  toOwnedService,
  toServiceTask,
  toStoredObject,
  toSwarmNetwork,
  toSwarmNode,
  toSwarmService,
} from './to-model.ts';

/** Maximum share of time for full listings, unless one is requested … */
const LISTING_SHARE = 300;
/** … and the minimum share. */
const LEAST_LISTING_SHARE = 3000;

/** For more services, all tasks are listed instead. */
const MOST_FILTERED = 100;
/** Swarm removes a task from its service two seconds before stopping it. */
const TASKS_INTERVAL_MS = 500;
/** Maximum share of time for listing tasks. */
const LEAST_TASKS_SHARE = 20;

/**
 * Caches the swarm, so that a change only fetches the changed objects instead of listing everything. Lists everything at the start, on a
 * resync and after the event stream failed.
 */
export class Observer {
  readonly #docker: Docker;
  readonly #services;
  readonly #networks;
  readonly #nodes;
  readonly #configs;
  readonly #secrets;
  readonly #collections: Readonly<Record<string, Pick<Collection<object>, 'markStale' | 'refresh'>>>;
  readonly #divide = memoize(divide);
  readonly #now: () => number;
  readonly #controllerId: string;
  #followed: FollowedTasks = { ids: [], tasks: [], tookMs: 0 };
  #taskCounts: Snapshot['taskCounts'];
  /** Time and duration of the last full listing. */
  #listing = { endedAt: Number.NEGATIVE_INFINITY, durationMs: 0 };

  /** `controllerId` is the ID of the controller's service. `now` is a monotonic clock in milliseconds. */
  constructor(docker: Docker, controllerId = '', now: () => number = () => performance.now()) {
    this.#docker = docker;
    this.#controllerId = controllerId;
    this.#now = now;
    const get = (operation: string, request: () => Promise<unknown>) => call(operation, request);
    this.#services = new Collection(
      (answer) => toSeenService(parseAnswer(EngineService, answer)),
      () => this.#listServices(),
      (id) => get('Inspect service', () => docker.getService(id).inspect()),
    );
    this.#networks = new Collection(
      (answer) => toSwarmNetwork(parseAnswer(EngineNetwork, answer)),
      () => callForList('List networks', () => docker.listNetworks({ filters: JSON.stringify({ scope: ['swarm'] }) })),
      (id) => get('Inspect network', () => docker.getNetwork(id).inspect()),
    );
    this.#nodes = new Collection(
      (answer) => toSwarmNode(parseAnswer(EngineNode, answer)),
      () => callForList('List nodes', () => docker.listNodes()),
      (id) => get('Inspect node', () => docker.getNode(id).inspect()),
    );
    this.#configs = new Collection(
      (answer) => toStoredObject(parseAnswer(EngineObject, answer)),
      () => callForList('List configs', () => docker.listConfigs()),
      (id) => get('Inspect config', () => docker.getConfig(id).inspect()),
    );
    this.#secrets = new Collection(
      (answer) => toStoredObject(parseAnswer(EngineObject, answer)),
      () => callForList('List secrets', () => docker.listSecrets()),
      (id) => get('Inspect secret', () => docker.getSecret(id).inspect()),
    );
    this.#collections = {
      service: this.#services,
      network: this.#networks,
      node: this.#nodes,
      config: this.#configs,
      secret: this.#secrets,
    };
  }

  /** Marks a changed object. Returns false for irrelevant kinds. */
  note(type: string, id: string): boolean {
    const collection = this.#collections[type];
    collection?.markStale(id);
    return collection !== undefined;
  }

  /**
   * Lists everything again as a safety net in case an event was missed. If listing takes long, it runs rarely and only while the controller
   * is idle.
   */
  forgetInTime(isAtRest: boolean): void {
    const { endedAt, durationMs } = this.#listing;
    if (this.#now() - endedAt >= durationMs * (isAtRest ? LISTING_SHARE : LEAST_LISTING_SHARE)) this.forget();
  }

  /** Discards the cache. */
  forget(): void {
    for (const collection of Object.values(this.#collections)) collection.markStale();
  }

  /** Also counts their tasks. */
  async #listServices(): Promise<readonly unknown[]> {
    const options = { status: true };
    const services = await callForList('List services', () => this.#docker.listServices(options as never) as never);
    this.#taskCounts = countsIn(services);
    return services;
  }

  /** Tasks have no events, so they are fetched for each snapshot, but only for services that require it. */
  async #hostTasks(ids: readonly string[]): Promise<HostTask[]> {
    return (await this.#runningTasks(ids)).map(toHostTask);
  }

  async #runningTasks(ids: readonly string[]): Promise<EngineTask[]> {
    if (ids.length === 0) return [];
    // Query strings are limited in length; beyond the limit, all tasks are listed.
    const filter = ids.length > MOST_FILTERED ? {} : { service: ids };
    const filters = JSON.stringify({ ...filter, 'desired-state': ['running'] });
    const tasks = await callForList('List tasks', () => this.#docker.listTasks({ filters })).catch((error) => {
      if (!isStatus(error, 404)) throw error;
      this.#services.markStale();
      throw new ConflictError('A service was removed since it was observed', { cause: error });
    });
    const wanted = new Set(ids);
    return tasks
      .map((task) => parseAnswer(EngineTask, task))
      .filter(({ Status, ServiceID }) => Status.State === 'running' && wanted.has(ServiceID));
  }

  /** Returns the previous list if it is equal. */
  async #followedTasks(ids: readonly string[]): Promise<readonly ServiceTask[]> {
    const begunAt = this.#now();
    const tasks = (await this.#runningTasks(ids)).map(toServiceTask).toSorted((a, b) => (a.id < b.id ? -1 : 1));
    this.#followed = {
      ids,
      tasks: isDeepStrictEqual(tasks, this.#followed.tasks) ? this.#followed.tasks : tasks,
      tookMs: this.#now() - begunAt,
    };
    return this.#followed.tasks;
  }

  /**
   * Calls back when tasks of followed services have changed since they were last observed. Tasks have no events, so they are listed twice
   * a second, less often if that takes long.
   */
  async watchTasks(onChange: () => void, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const { ids, tasks: known, tookMs } = this.#followed;
      await sleep(Math.max(TASKS_INTERVAL_MS, tookMs * LEAST_TASKS_SHARE), signal);
      if (signal.aborted || ids.length === 0 || this.#followed.tasks !== known) continue;
      // The next snapshot fails too and reports the error.
      const tasks = await this.#followedTasks(ids).catch(() => undefined);
      if (tasks !== undefined && tasks !== known) onChange();
    }
  }

  /** Fetches only these objects from the Engine, bypassing the cache. */
  async applications(): Promise<SwarmService[]> {
    const services = await callForList('List services', () => this.#docker.listServices());
    return services
      .map((service) => parseAnswer(EngineService, service))
      .filter((service) => !isOwned(service))
      .map(toSwarmService);
  }

  async observe(chooseFollowed: ChooseFollowed = () => []): Promise<Snapshot> {
    const collections = Object.values(this.#collections);
    const isListing = this.#services.isStale;
    const begunAt = this.#now();
    const refreshed = await Promise.allSettled(collections.map((collection) => collection.refresh()));
    // Waits for all calls: a late response of this snapshot would overwrite newer data of the next.
    const failed = refreshed.find((result) => result.status === 'rejected');
    if (failed) throw failed.reason;
    const endedAt = this.#now();
    if (isListing) this.#listing = { endedAt, durationMs: endedAt - begunAt };
    const { services, owned, onHosts } = this.#divide(this.#services.items);
    const followed = chooseFollowed(services);
    return {
      services,
      owned,
      controllerSecretIds: services.find(({ id }) => id === this.#controllerId)?.secretIds ?? [],
      taskCounts: this.#taskCounts,
      hostTasks: await this.#hostTasks(onHosts),
      tasks: await this.#followedTasks(followed),
      networks: this.#networks.items,
      nodes: this.#nodes.items,
      configs: this.#configs.items,
      secrets: this.#secrets.items,
    };
  }
}

/** The last observed tasks of followed services. */
interface FollowedTasks {
  readonly ids: readonly string[];
  readonly tasks: readonly ServiceTask[];
  readonly tookMs: number;
}

type SeenService =
  | { readonly kind: 'owned'; readonly service: OwnedService }
  | { readonly kind: 'application'; readonly service: SwarmService; readonly isOnHosts: boolean };

function toSeenService(service: EngineService): SeenService {
  if (isOwned(service)) return { kind: 'owned', service: toOwnedService(service) };
  const isOnHosts = hasHostPorts(service) && asksForRoutes(service.Spec.Labels);
  return { kind: 'application', service: toSwarmService(service), isOnHosts };
}

function divide(seen: readonly SeenService[]) {
  return {
    services: seen.flatMap((one) => (one.kind === 'application' ? one.service : [])),
    owned: seen.flatMap((one) => (one.kind === 'owned' ? one.service : [])),
    onHosts: seen.flatMap((one) => (one.kind === 'application' && one.isOnHosts ? one.service.id : [])),
  };
}
