import { isDeepStrictEqual } from 'node:util';
import type Docker from 'dockerode';
import { ZodError, z } from 'zod';
import { memoize, sameItems } from '../lib/memo.ts';
import { sleep } from '../lib/sleep.ts';
import { asksForRoutes } from '../model/hrm.ts';
import type { HostTask, OwnedService, ServiceTask, Snapshot, SwarmService } from '../model/snapshot.ts';
import { type ChooseFollowed, ConflictError } from '../reconcile/ports.ts';
import { call, callForList, isStatus } from './docker-error.ts';
import { EngineNetwork, EngineNode, EngineObject, EngineService, EngineTask } from './schema.ts';
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

/** A full listing takes at most this part of the time, unless something asks for it … */
const LISTING_SHARE = 300;
/** … and at least this part. */
const LEAST_LISTING_SHARE = 3000;

/** Tasks of more services are not asked for one by one. */
const MOST_FILTERED = 100;
/** Swarm takes a task out of service two seconds before it stops it. */
const TASKS_INTERVAL_MS = 500;
/** Listing tasks takes at most this part of the time. */
const LEAST_TASKS_SHARE = 20;

interface Known<T> {
  readonly item: T;
  /** Swarm counts up with every write; undefined for kinds that have no such number. */
  readonly index: number | undefined;
}

const Identity = z.union([z.object({ ID: z.string() }), z.object({ Id: z.string() })]);
const Versioned = z.object({ Version: z.object({ Index: z.number() }) });

/**
 * One kind of object of the swarm: how to list it, how to fetch one, and what is known of it. What has not changed stays the same object
 * (and a list of such, the same list), so that whoever made something of it can tell.
 */
class Collection<T extends object> {
  readonly #list: () => Promise<readonly unknown[]>;
  readonly #inspect: (id: string) => Promise<unknown>;
  readonly #read: (answer: unknown) => T;
  #known = new Map<string, Known<T>>();
  #items: readonly T[] = [];
  #stale: Set<string> | 'all' = 'all';

  constructor(
    read: (answer: unknown) => T,
    list: () => Promise<readonly unknown[]>,
    inspect: (id: string) => Promise<unknown>,
  ) {
    this.#read = read;
    this.#list = list;
    this.#inspect = inspect;
  }

  get items(): readonly T[] {
    return this.#items;
  }

  /** As a whole. */
  get isStale(): boolean {
    return this.#stale === 'all';
  }

  markStale(id?: string): void {
    if (id === undefined) this.#stale = 'all';
    else if (this.#stale !== 'all') this.#stale.add(id);
  }

  /** Fetches what was marked. What fails stays marked, so that the next look is complete or fails as well. */
  async refresh(): Promise<void> {
    const stale = this.#stale;
    this.#stale = new Set();
    try {
      if (stale === 'all') await this.#refreshAll();
      else for (const id of stale) await this.#refreshOne(id);
    } catch (error) {
      this.#stale = 'all';
      throw error;
    }
    const items = [...this.#known.values()].map(({ item }) => item);
    if (!sameItems(items, this.#items)) this.#items = items;
  }

  async #refreshAll(): Promise<void> {
    const listed = (await this.#list()).map((answer) => [idOf(answer), this.#remember(answer)] as const);
    const before = this.#known;
    this.#known = new Map(listed);
    // A list that is cut short looks like one of a smaller swarm: whatever is missing is asked for by its name before it counts as gone.
    for (const id of before.keys()) if (!this.#known.has(id)) await this.#refreshOne(id);
  }

  async #refreshOne(id: string): Promise<void> {
    try {
      this.#known.set(id, this.#remember(await this.#inspect(id)));
    } catch (error) {
      if (!isStatus(error, 404)) throw error;
      this.#known.delete(id);
    }
  }

  #remember(answer: unknown): Known<T> {
    const known = this.#known.get(idOf(answer));
    const index = Versioned.safeParse(answer).data?.Version.Index;
    if (known && index !== undefined && known.index === index) return known;
    const item = this.#read(answer);
    return { index, item: known && isDeepStrictEqual(known.item, item) ? known.item : item };
  }
}

function idOf(answer: unknown): string {
  const identity = parse(Identity, answer);
  return 'ID' in identity ? identity.ID : identity.Id;
}

/** An answer that the schema does not know is the Engine's trouble, not a bug of ours: retried, and nothing is published. */
function parse<T>(schema: z.ZodType<T>, value: unknown): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new Error(`The Engine's answer is not understood: ${new ZodError(parsed.error.issues).message}`);
}

/**
 * Keeps what was seen of the swarm, so that a change costs the fetch of what it names and not a listing of everything. Lists
 * all at the start, at a resync, and after the event stream broke.
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
  /** When everything was last listed, and how long that took. */
  #listing = { endedAt: Number.NEGATIVE_INFINITY, durationMs: 0 };

  /** `controllerId` is that of the controller's own service. `now` is in milliseconds, of a clock that only goes forward. */
  constructor(docker: Docker, controllerId = '', now: () => number = () => performance.now()) {
    this.#docker = docker;
    this.#controllerId = controllerId;
    this.#now = now;
    const get = (operation: string, request: () => Promise<unknown>) => call(operation, request);
    this.#services = new Collection(
      (answer) => toSeenService(parse(EngineService, answer)),
      () => callForList('List services', () => docker.listServices()),
      (id) => get('Inspect service', () => docker.getService(id).inspect()),
    );
    this.#networks = new Collection(
      (answer) => toSwarmNetwork(parse(EngineNetwork, answer)),
      () => callForList('List networks', () => docker.listNetworks({ filters: JSON.stringify({ scope: ['swarm'] }) })),
      (id) => get('Inspect network', () => docker.getNetwork(id).inspect()),
    );
    this.#nodes = new Collection(
      (answer) => toSwarmNode(parse(EngineNode, answer)),
      () => callForList('List nodes', () => docker.listNodes()),
      (id) => get('Inspect node', () => docker.getNode(id).inspect()),
    );
    this.#configs = new Collection(
      (answer) => toStoredObject(parse(EngineObject, answer)),
      () => callForList('List configs', () => docker.listConfigs()),
      (id) => get('Inspect config', () => docker.getConfig(id).inspect()),
    );
    this.#secrets = new Collection(
      (answer) => toStoredObject(parse(EngineObject, answer)),
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

  /** Something happened to an object; false when it is of a kind that does not matter. */
  note(type: string, id: string): boolean {
    const collection = this.#collections[type];
    collection?.markStale(id);
    return collection !== undefined;
  }

  /**
   * Look at everything again, but only now and then where that takes long, and while nothing else is to be done, which would have to wait:
   * events tell of changes, this is the net below them.
   */
  forgetInTime(isAtRest: boolean): void {
    const { endedAt, durationMs } = this.#listing;
    if (this.#now() - endedAt >= durationMs * (isAtRest ? LISTING_SHARE : LEAST_LISTING_SHARE)) this.forget();
  }

  /** Trust nothing that was seen before. */
  forget(): void {
    for (const collection of Object.values(this.#collections)) collection.markStale();
  }

  /** Asked for at every look, since there are no events for tasks; only for services that need it. */
  async #hostTasks(ids: readonly string[]): Promise<HostTask[]> {
    return (await this.#runningTasks(ids)).map(toHostTask);
  }

  async #runningTasks(ids: readonly string[]): Promise<EngineTask[]> {
    if (ids.length === 0) return [];
    // A query string has limits; beyond them all tasks are listed.
    const filter = ids.length > MOST_FILTERED ? {} : { service: ids };
    const filters = JSON.stringify({ ...filter, 'desired-state': ['running'] });
    const tasks = await callForList('List tasks', () => this.#docker.listTasks({ filters })).catch((error) => {
      if (!isStatus(error, 404)) throw error;
      this.#services.markStale();
      throw new ConflictError('A service is gone since it was observed', { cause: error });
    });
    const wanted = new Set(ids);
    return tasks
      .map((task) => parse(EngineTask, task))
      .filter(({ Status, ServiceID }) => Status.State === 'running' && wanted.has(ServiceID));
  }

  /** The same list as before, while it is equal. */
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
   * Calls back when the tasks of followed services are no longer as they were last observed: there are no events for tasks. Lists them twice a
   * second, and less often if that takes long.
   */
  async watchTasks(onChange: () => void, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const { ids, tasks: known, tookMs } = this.#followed;
      await sleep(Math.max(TASKS_INTERVAL_MS, tookMs * LEAST_TASKS_SHARE), signal);
      if (signal.aborted || ids.length === 0 || this.#followed.tasks !== known) continue;
      // The next look fails as well, and reports it.
      const tasks = await this.#followedTasks(ids).catch(() => undefined);
      if (tasks !== undefined && tasks !== known) onChange();
    }
  }

  /** Asks the Engine afresh, and for nothing else. */
  async applications(): Promise<SwarmService[]> {
    const services = await callForList('List services', () => this.#docker.listServices());
    return services
      .map((service) => parse(EngineService, service))
      .filter((service) => !isOwned(service))
      .map(toSwarmService);
  }

  async observe(chooseFollowed: ChooseFollowed = () => []): Promise<Snapshot> {
    const collections = Object.values(this.#collections);
    const isListing = this.#services.isStale;
    const begunAt = this.#now();
    const refreshed = await Promise.allSettled(collections.map((collection) => collection.refresh()));
    // Only when all have ended: an answer of this look that came during the next would be older than what that one sees.
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
      hostTasks: await this.#hostTasks(onHosts),
      tasks: await this.#followedTasks(followed),
      networks: this.#networks.items,
      nodes: this.#nodes.items,
      configs: this.#configs.items,
      secrets: this.#secrets.items,
    };
  }
}

/** What was last seen of services that are followed by their tasks. */
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
