import { toServiceSpec } from '../../src/controller/docker/service-spec.ts';
import { type ChooseFollowed, ConflictError, type Swarm } from '../../src/controller/ports.ts';
import { RetryableError } from '../../src/lib/retryable.ts';
import type { TaskRecord } from '../../src/model/backends/task.ts';
import { eligibleNodes } from '../../src/model/own-services/constraints.ts';
import type { DesiredService } from '../../src/model/own-services/owned-service.ts';
import { specDigest } from '../../src/model/own-services/spec-digest.ts';
import type {
  HostTask,
  NewObject,
  OwnedService,
  OwnedTask,
  ServiceTask,
  Snapshot,
  StoredObject,
  SwarmNetwork,
  SwarmNode,
  SwarmService,
} from '../../src/model/snapshot.ts';
import { FakeClock } from './fake-clock.ts';
import { FakeService, type Spec } from './fake-service.ts';

export type Operation = keyof Swarm;

interface Fault {
  readonly operation: Operation;
  readonly error: Error;
  /** The call is carried out, but its answer is lost. */
  readonly afterwards: boolean;
}

interface FakeObject extends StoredObject {
  readonly data: string;
}

/**
 * A swarm in memory, with the relevant behavior of Swarm. test/support/swarm-contract.ts compares it with the real one.
 */
export class FakeSwarm implements Swarm {
  readonly clock: FakeClock;
  /** Writes through the port, in order. */
  readonly writes: string[] = [];
  readonly #services = new Map<string, FakeService>();
  readonly #applications = new Map<string, SwarmService>();
  readonly #networks = new Map<string, SwarmNetwork>();
  readonly #nodes = new Map<string, SwarmNode>();
  readonly #closed = new Set<string>();
  readonly #configs = new Map<string, FakeObject>();
  readonly #secrets = new Map<string, FakeObject>();
  readonly #logs = new Map<string, string>();
  readonly #faults: Fault[] = [];
  #hostTasks: readonly HostTask[] = [];
  readonly #tasks = new Map<string, readonly ServiceTask[]>();
  readonly #records = new Map<string, readonly TaskRecord[]>();
  #taskCounts: Snapshot['taskCounts'];
  #index = 0;
  #ids = 0;

  constructor(clock = new FakeClock()) {
    this.clock = clock;
  }

  // The port.

  async observe(chooseFollowed: ChooseFollowed = () => []): Promise<Snapshot> {
    return this.#call('observe', () => ({
      tasks: chooseFollowed([...this.#applications.values()]).flatMap((id) => this.#tasks.get(id) ?? []),
      services: [...this.#applications.values()],
      taskCounts: this.#taskCounts,
      networks: [...this.#networks.values()],
      nodes: [...this.#nodes.values()],
      hostTasks: this.#hostTasks,
      configs: [...this.#configs.values()].map(toStoredObject),
      secrets: [...this.#secrets.values()].map(toStoredObject),
      owned: [...this.#services.values()].map((service) => service.observe()),
    }));
  }

  async tasks(serviceId: string): Promise<readonly OwnedTask[]> {
    return this.#call('tasks', () => {
      const service = this.#services.get(serviceId);
      if (!service) throw new ConflictError(`Service ${serviceId} no longer exists`);
      return service.tasks;
    });
  }

  async serviceTasks(serviceIds: readonly string[]): Promise<readonly TaskRecord[]> {
    return this.#call('serviceTasks', () => serviceIds.flatMap((id) => this.#recordsOf(id)));
  }

  #recordsOf(id: string): readonly TaskRecord[] {
    const owned = this.#services.get(id);
    if (owned) return owned.tasks.map((task, position) => toRecord(task, position));
    const application = [...this.#applications.values()].find((candidate) => candidate.id === id);
    if (!application) throw new ConflictError(`Service ${id} no longer exists`);
    const { mode } = application;
    const replicas = mode.kind === 'replicated' ? mode.replicas : 1;
    return this.#records.get(id) ?? Array.from({ length: replicas }, (_, position) => this.#record(id, position, {}));
  }

  #record(serviceId: string, position: number, task: Partial<TaskRecord>): TaskRecord {
    const at = this.clock.now();
    return {
      ...{ id: this.#nextId('task'), serviceId, place: String(position + 1), nodeId: 'worker1', spec: 'current' },
      ...{ state: 'running', desiredState: 'running', error: undefined, exitCode: undefined },
      ...{ createdAt: at, since: at, memoryLimitBytes: 0, hasHealthCheck: false },
      ...task,
    };
  }

  async taskLog(taskId: string): Promise<string> {
    return this.#call('taskLog', () => this.#logs.get(taskId) ?? '');
  }

  async createConfig(object: NewObject): Promise<string> {
    return this.#write('createConfig', object.name, () => this.#createObject('config', this.#configs, object));
  }

  async readConfig(id: string): Promise<string> {
    return this.#call('readConfig', () => known(this.#configs, id, 'config').data);
  }

  async createSecret(object: NewObject): Promise<string> {
    return this.#write('createSecret', object.name, () => this.#createObject('secret', this.#secrets, object));
  }

  async removeConfig(id: string): Promise<void> {
    return this.#write('removeConfig', this.#configs.get(id)?.name ?? id, () => {
      this.#refuseIfUsed(id, ({ configIds }) => configIds);
      this.#configs.delete(id);
    });
  }

  async removeSecret(id: string): Promise<void> {
    return this.#write('removeSecret', this.#secrets.get(id)?.name ?? id, () => {
      this.#refuseIfUsed(id, ({ secretIds }) => secretIds);
      this.#secrets.delete(id);
    });
  }

  async createService(desired: DesiredService): Promise<void> {
    return this.#write('createService', desired.name, () => {
      if (this.#owned().some(({ name }) => name === desired.name) || this.#applications.has(desired.name))
        throw new ConflictError(`Service ${desired.name} exists`);
      const spec = this.#valid(toServiceSpec(desired, specDigest(desired)), undefined);
      const service = new FakeService(spec, this.#world);
      this.#services.set(service.id, service);
    });
  }

  async updateService(current: OwnedService, desired: DesiredService): Promise<void> {
    return this.#write('updateService', current.name, () => {
      const service = this.#unmoved(current);
      service.update(this.#valid(toServiceSpec(desired, specDigest(desired), service.spec), service));
    });
  }

  async labelService(current: OwnedService, labels: Readonly<Record<string, string>>): Promise<void> {
    return this.#write('labelService', current.name, () => {
      const service = this.#unmoved(current);
      service.update({ ...service.spec, Labels: { ...service.spec.Labels, ...labels } });
    });
  }

  async scaleService(current: OwnedService, replicas: number, labels: Readonly<Record<string, string>>): Promise<void> {
    return this.#write('scaleService', `${current.name}=${replicas}`, () => {
      const service = this.#unmoved(current);
      const Mode = { Replicated: { Replicas: replicas } };
      service.update({ ...service.spec, Mode, Labels: { ...service.spec.Labels, ...labels } });
    });
  }

  async removeService(id: string): Promise<void> {
    return this.#write('removeService', this.#services.get(id)?.name ?? id, () => void this.#services.delete(id));
  }

  // Actions of users, nodes and the network.

  deploy(application: SwarmService): void {
    const present = this.#applications.get(application.name);
    const { id = this.#nextId('application'), createdAt = this.clock.timestamp() } = present ?? {};
    this.#applications.set(application.name, { ...application, id, createdAt });
  }

  scale(name: string, replicas: number): void {
    const application = known(this.#applications, name, 'service');
    this.#applications.set(name, { ...application, mode: { kind: 'replicated', replicas } });
  }

  remove(name: string): void {
    this.#applications.delete(name);
  }

  /** The tasks of an application, which otherwise all run. Each belongs to a replica of its own unless it says otherwise. */
  setTasks(name: string, tasks: readonly Partial<TaskRecord>[]): void {
    const { id } = known(this.#applications, name, 'service');
    this.#records.set(
      id,
      tasks.map((task, position) => this.#record(id, position, task)),
    );
  }

  /** As a listing of all services does. */
  countTasks(): void {
    const counts = [...this.#applications.values()].map(({ id, mode }) => {
      const current = this.#recordsOf(id).filter(({ desiredState }) => desiredState === 'running');
      const running = current.filter(({ state }) => state === 'running').length;
      return [id, { running, desired: mode.kind === 'replicated' ? mode.replicas : current.length }] as const;
    });
    this.#taskCounts = new Map(counts);
  }

  setHostTasks(tasks: readonly HostTask[]): void {
    this.#hostTasks = tasks;
  }

  /** The running tasks of a service, by their addresses on a network. */
  runTasks(name: string, addresses: readonly string[], network = 'app', nodeId = 'worker1'): void {
    const since = this.clock.now();
    const { id: serviceId } = known(this.#applications, name, 'service');
    const tasks = addresses.map((address) => ({
      ...{ id: address, serviceId, nodeId, since },
      addresses: { [network]: [address] },
    }));
    this.#tasks.set(serviceId, tasks);
  }

  addNetwork(network: SwarmNetwork): void {
    this.#networks.set(network.id, network);
  }

  removeNetwork(id: string): void {
    const users = [...this.#applications.values(), ...this.#owned()].filter(({ networkIds }) =>
      networkIds.includes(id),
    );
    if (users.length > 0) throw new RetryableError(`network ${id} is in use by service ${users[0]!.name}`);
    this.#networks.delete(id);
  }

  addNode(node: SwarmNode): void {
    this.#nodes.set(node.id, node);
    if (!node.ready || !node.active) this.#evict(node.id);
    else for (const service of this.services) service.placePending();
  }

  removeNode(id: string): void {
    this.#nodes.delete(id);
    this.#evict(id);
  }

  /** Swarm places nothing there, for reasons that the node does not report, such as missing plugins. */
  closeNode(id: string): void {
    this.#closed.add(id);
  }

  /** All replicas end up on one node, as after a roll-out. */
  crowd(name: string, nodeId: string): void {
    this.service(name).replaceTasks(() => nodeId);
  }

  #evict(nodeId: string): void {
    for (const service of this.services) service.evict(nodeId);
  }

  /** `docker service update`, by hand. */
  amend(name: string, change: (spec: Spec) => void): void {
    const service = this.service(name);
    const { spec } = service;
    change(spec);
    service.update(spec);
  }

  /** `docker service create`, by hand, with the labels of one of ours. The Engine lists it first. */
  imitate(original: string, name: string): void {
    const { spec } = this.service(original);
    const service = new FakeService({ ...spec, Name: name, EndpointSpec: {} }, this.#world);
    const others = [...this.#services];
    this.#services.clear();
    for (const [id, each] of [[service.id, service] as const, ...others]) this.#services.set(id, each);
  }

  /** `docker config create`, by hand. */
  addConfig(name: string, data: string): void {
    this.#createObject('config', this.#configs, { name, labels: {}, data });
  }

  service(name: string): FakeService {
    const service = this.services.find((candidate) => candidate.name === name);
    if (!service) throw new Error(`There is no service ${name}`);
    return service;
  }

  get services(): readonly FakeService[] {
    return [...this.#services.values()];
  }

  get configs(): readonly FakeObject[] {
    return [...this.#configs.values()];
  }

  get secrets(): readonly FakeObject[] {
    return [...this.#secrets.values()];
  }

  /** A replica of the current roll-out fails, and everything is rolled back. */
  rollBack(name: string, error: string, log = ''): void {
    const service = this.service(name);
    service.fail(error);
    this.#logs.set(service.tasks[0]!.id, log);
    service.finish();
  }

  /** The next call of this kind fails. With `afterwards` it fails after it is carried out. */
  failNext(operation: Operation, error: Error, { afterwards = false } = {}): void {
    this.#faults.push({ operation, error, afterwards });
  }

  clearFaults(): void {
    this.#faults.length = 0;
  }

  get #world() {
    return {
      clock: this.clock,
      nextIndex: () => {
        this.#index += 1;
        return this.#index;
      },
      nextId: (kind: string) => this.#nextId(kind),
      nodesFor: ({ placement }: OwnedService) =>
        eligibleNodes([...this.#nodes.values()], placement).filter(({ id }) => !this.#closed.has(id)),
    };
  }

  #nextId(kind: string): string {
    this.#ids += 1;
    return `${kind}-${this.#ids}`;
  }

  #owned(): readonly OwnedService[] {
    return this.services.map((service) => service.observe());
  }

  #createObject(kind: string, objects: Map<string, FakeObject>, { name, labels, data }: NewObject): string {
    if ([...objects.values()].some((object) => object.name === name)) throw new ConflictError(`${kind} ${name} exists`);
    const id = this.#nextId(kind);
    objects.set(id, { id, name, labels, data, createdAt: this.clock.timestamp() });
    return id;
  }

  #refuseIfUsed(id: string, references: (service: OwnedService) => readonly string[]): void {
    const user = this.#owned().find((service) => references(service).includes(id));
    if (user) throw new RetryableError(`${id} is in use by the following service: ${user.name}`);
  }

  #unmoved(current: OwnedService): FakeService {
    const service = this.#services.get(current.id);
    if (service?.index !== current.index)
      throw new ConflictError(`Service ${current.name} has changed since it was observed`);
    return service;
  }

  /** Swarm rejects a specification that refers to missing objects, or to a port that another service holds. */
  #valid(spec: Spec, own: FakeService | undefined): Spec {
    const { Networks: networks = [], ContainerSpec: container } = spec.TaskTemplate;
    for (const { Target } of networks) known(this.#networks, Target, 'network');
    for (const { ConfigID } of container.Configs ?? []) known(this.#configs, ConfigID, 'config');
    for (const { SecretID } of container.Secrets ?? []) known(this.#secrets, SecretID, 'secret');
    const ports = ingressPorts(spec);
    const other = this.services.find(
      (service) => service !== own && ingressPorts(service.spec).some((port) => ports.includes(port)),
    );
    if (other) throw new RetryableError(`port is already in use by service '${other.name}' as an ingress port`);
    if (own && own.name !== spec.Name) throw new RetryableError('renaming services is not supported');
    return spec;
  }

  async #write<T>(operation: Operation, target: string, action: () => T): Promise<T> {
    return this.#call(operation, () => {
      const result = action();
      this.writes.push(`${operation} ${target}`);
      return result;
    });
  }

  async #call<T>(operation: Operation, action: () => T): Promise<T> {
    const position = this.#faults.findIndex((fault) => fault.operation === operation);
    const [fault] = position < 0 ? [] : this.#faults.splice(position, 1);
    if (fault && !fault.afterwards) throw fault.error;
    const result = action();
    if (fault) throw fault.error;
    return result;
  }
}

function toRecord(
  { id, serviceId, nodeId, state, desiredState, error, ...task }: OwnedTask,
  position: number,
): TaskRecord {
  const createdAt = Date.parse(task.createdAt);
  return {
    ...{ id, serviceId, nodeId, state, desiredState, error, createdAt, since: createdAt },
    ...{
      place: String(position + 1),
      exitCode: undefined,
      memoryLimitBytes: 0,
      hasHealthCheck: false,
      spec: task.configIds.join(),
    },
  };
}

function ingressPorts(spec: Spec): number[] {
  const ports: readonly { PublishedPort: number; PublishMode: string }[] = spec.EndpointSpec?.Ports ?? [];
  return ports.filter(({ PublishMode }) => PublishMode === 'ingress').map(({ PublishedPort }) => PublishedPort);
}

function known<T>(items: ReadonlyMap<string, T>, id: string, kind: string): T {
  const item = items.get(id);
  if (item === undefined) throw new RetryableError(`${kind} ${id} not found`);
  return item;
}

function toStoredObject({ id, name, createdAt, labels }: FakeObject): StoredObject {
  return { id, name, createdAt, labels };
}
