import type Docker from 'dockerode';
import { ZodError, type z } from 'zod';
import { asksForRoutes } from '../model/hrm.ts';
import type { HostTask, Snapshot, SwarmService } from '../model/snapshot.ts';
import { ConflictError } from '../reconcile/ports.ts';
import { call, isStatus } from './docker-error.ts';
import { EngineNetwork, EngineNode, EngineObject, EngineService, EngineTask } from './schema.ts';
import {
  hasHostPorts,
  isOwned,
  toHostTask,
  toOwnedService,
  toStoredObject,
  toSwarmNetwork,
  toSwarmNode,
  toSwarmService,
} from './to-model.ts';

/** One kind of object of the swarm: how to list it, how to fetch one, and what is known of it. */
class Collection<T> {
  readonly #list: () => Promise<readonly unknown[]>;
  readonly #inspect: (id: string) => Promise<unknown>;
  readonly #schema: z.ZodType<T>;
  readonly #id: (item: T) => string;
  #items = new Map<string, T>();
  #stale: Set<string> | 'all' = 'all';

  constructor(
    schema: z.ZodType<T>,
    id: (item: T) => string,
    list: () => Promise<readonly unknown[]>,
    inspect: (id: string) => Promise<unknown>,
  ) {
    this.#schema = schema;
    this.#id = id;
    this.#list = list;
    this.#inspect = inspect;
  }

  get items(): T[] {
    return [...this.#items.values()];
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
  }

  async #refreshAll(): Promise<void> {
    const items = (await this.#list()).map((item) => parse(this.#schema, item));
    this.#items = new Map(items.map((item) => [this.#id(item), item]));
  }

  async #refreshOne(id: string): Promise<void> {
    try {
      this.#items.set(id, parse(this.#schema, await this.#inspect(id)));
    } catch (error) {
      if (!isStatus(error, 404)) throw error;
      this.#items.delete(id);
    }
  }
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
  readonly #collections: Readonly<Record<string, Pick<Collection<unknown>, 'markStale' | 'refresh'>>>;

  constructor(docker: Docker) {
    this.#docker = docker;
    const get = (operation: string, request: () => Promise<unknown>) => call(operation, request);
    const all = (operation: string, request: () => Promise<unknown>) =>
      call(operation, request) as Promise<readonly unknown[]>;
    this.#services = new Collection(
      EngineService,
      ({ ID }) => ID,
      () => all('List services', () => docker.listServices()),
      (id) => get('Inspect service', () => docker.getService(id).inspect()),
    );
    this.#networks = new Collection(
      EngineNetwork,
      ({ Id }) => Id,
      () => all('List networks', () => docker.listNetworks({ filters: JSON.stringify({ scope: ['swarm'] }) })),
      (id) => get('Inspect network', () => docker.getNetwork(id).inspect()),
    );
    this.#nodes = new Collection(
      EngineNode,
      ({ ID }) => ID,
      () => all('List nodes', () => docker.listNodes()),
      (id) => get('Inspect node', () => docker.getNode(id).inspect()),
    );
    this.#configs = new Collection(
      EngineObject,
      ({ ID }) => ID,
      () => all('List configs', () => docker.listConfigs()),
      (id) => get('Inspect config', () => docker.getConfig(id).inspect()),
    );
    this.#secrets = new Collection(
      EngineObject,
      ({ ID }) => ID,
      () => all('List secrets', () => docker.listSecrets()),
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

  /** Trust nothing that was seen before. */
  forget(): void {
    for (const collection of Object.values(this.#collections)) collection.markStale();
  }

  /** Asked for at every look, since there are no events for tasks; only for services that need it. */
  async #hostTasks(services: readonly EngineService[]): Promise<HostTask[]> {
    const ids = services
      .filter((service) => hasHostPorts(service) && asksForRoutes(service.Spec.Labels))
      .map(({ ID }) => ID);
    if (ids.length === 0) return [];
    const filters = JSON.stringify({ service: ids, 'desired-state': ['running'] });
    const tasks = await call('List tasks', () => this.#docker.listTasks({ filters })).catch((error) => {
      if (!isStatus(error, 404)) throw error;
      this.#services.markStale();
      throw new ConflictError('A service is gone since it was observed', { cause: error });
    });
    return tasks
      .map((task) => parse(EngineTask, task))
      .filter(({ Status }) => Status.State === 'running')
      .map(toHostTask);
  }

  /** Asks the Engine afresh, and for nothing else. */
  async applications(): Promise<SwarmService[]> {
    const services = await call('List services', () => this.#docker.listServices());
    return services
      .map((service) => parse(EngineService, service))
      .filter((service) => !isOwned(service))
      .map(toSwarmService);
  }

  async observe(): Promise<Snapshot> {
    const collections = Object.values(this.#collections);
    const refreshed = await Promise.allSettled(collections.map((collection) => collection.refresh()));
    // Only when all have ended: an answer of this look that came during the next would be older than what that one sees.
    const failed = refreshed.find((result) => result.status === 'rejected');
    if (failed) throw failed.reason;
    const services = this.#services.items;
    const applications = services.filter((service) => !isOwned(service));
    return {
      services: applications.map(toSwarmService),
      hostTasks: await this.#hostTasks(applications),
      owned: services.filter(isOwned).map(toOwnedService),
      networks: this.#networks.items.map(toSwarmNetwork),
      nodes: this.#nodes.items.map(toSwarmNode),
      configs: this.#configs.items.map(toStoredObject),
      secrets: this.#secrets.items.map(toStoredObject),
    };
  }
}
