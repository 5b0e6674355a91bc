import { isDeepStrictEqual } from 'node:util';
import { EngineService } from '../../src/controller/docker/schema.ts';
import { toOwnedService } from '../../src/controller/docker/to-model.ts';
import type { OwnedService, OwnedTask, SwarmNode } from '../../src/model/snapshot.ts';
import type { FakeClock } from './fake-clock.ts';

// biome-ignore lint/suspicious/noExplicitAny: the Engine's open-ended JSON.
export type Spec = Record<string, any>;

interface UpdateStatus {
  readonly State: string;
  readonly StartedAt: string;
  readonly Message: string;
}

interface World {
  readonly clock: FakeClock;
  /** Every write to a swarm increments the index of the object. */
  readonly nextIndex: () => number;
  readonly nextId: (kind: string) => string;
  /** Where Swarm may place tasks. */
  readonly nodesFor: (service: OwnedService) => readonly SwarmNode[];
}

/**
 * A service as Swarm keeps it. A changed specification starts a roll-out, which runs until the test ends it. A failed
 * one restores the complete previous specification, including labels.
 */
export class FakeService {
  readonly id: string;
  readonly createdAt: string;
  readonly #world: World;
  #index: number;
  #spec: Spec;
  #previous: Spec | undefined;
  #status: UpdateStatus | undefined;
  #tasks: OwnedTask[];
  #start: Pick<OwnedTask, 'state' | 'error'> = { state: 'running', error: undefined };

  constructor(spec: Spec, world: World) {
    this.#world = world;
    this.id = world.nextId('service');
    this.createdAt = world.clock.timestamp();
    this.#index = world.nextIndex();
    this.#spec = structuredClone(spec);
    this.#tasks = [];
    this.#tasks = this.#newTasks();
  }

  get name(): string {
    return this.#spec.Name;
  }

  get spec(): Spec {
    return structuredClone(this.#spec);
  }

  get index(): number {
    return this.#index;
  }

  /** Newest first. */
  get tasks(): readonly OwnedTask[] {
    return this.#tasks;
  }

  get isRolling(): boolean {
    return this.#status?.State === 'updating' || this.#status?.State === 'rollback_started';
  }

  observe(): OwnedService {
    const { id, createdAt } = this;
    return toOwnedService(
      EngineService.parse({
        ID: id,
        CreatedAt: createdAt,
        Version: { Index: this.#index },
        Spec: this.spec,
        PreviousSpec: this.#previous,
        UpdateStatus: this.#status,
      }),
    );
  }

  /**
   * Any update clears the result of the previous one. Tasks are replaced only if their own specification has changed.
   */
  update(spec: Spec): void {
    if ((spec.Mode?.Global === undefined) !== (this.#spec.Mode?.Global === undefined))
      throw new Error('service mode change is not allowed');
    const rolling = this.isRolling;
    this.#previous = this.#spec;
    this.#spec = structuredClone(spec);
    this.#status = undefined;
    if (rolling || !isDeepStrictEqual(taskPart(this.#previous), taskPart(this.#spec))) this.#setStatus('updating', '');
    if (!this.isRolling) this.#scale();
    this.#index = this.#world.nextIndex();
  }

  /** Ends the current roll-out or roll-back. */
  finish(): void {
    if (!this.isRolling) throw new Error(`${this.name} has no roll-out in progress`);
    const back = this.#status?.State === 'rollback_started';
    this.#setStatus(back ? 'rollback_completed' : 'completed', this.#status?.Message ?? '');
    const failed = this.#tasks.filter(({ state }) => state === 'failed');
    this.#tasks = [...this.#newTasks(), ...failed];
    this.#index = this.#world.nextIndex();
  }

  /** A replica does not start, so Swarm starts a roll-back. */
  fail(error: string): void {
    if (this.#status?.State !== 'updating' || this.#previous === undefined)
      throw new Error(`${this.name} has no roll-out that could fail`);
    const failed = { ...this.#newTask(), state: 'failed', desiredState: 'shutdown', error };
    this.#tasks = [failed, ...this.#tasks];
    this.#setStatus('rollback_started', `update rolled back due to failure or early termination of task ${failed.id}`);
    this.#spec = this.#previous;
    this.#previous = undefined;
    this.#index = this.#world.nextIndex();
  }

  /** State of its replicas. With an error none of them is running. */
  breakReplicas(error: string): void {
    this.#tasks = this.#tasks.map((task) => ({ ...task, state: 'rejected', error }));
  }

  /** The node is lost or drained: its tasks end, and others start elsewhere. */
  evict(nodeId: string): void {
    this.#tasks = this.#tasks.filter((task) => task.nodeId !== nodeId);
    this.#scale();
  }

  /** A node has come: tasks that are waiting for one start there. */
  placePending(): void {
    for (const [position, task] of this.#tasks.entries()) {
      if (task.nodeId !== undefined || task.state !== 'pending') continue;
      const { nodeId, state, error } = this.#newTask();
      this.#tasks[position] = { ...task, nodeId, state, error };
    }
    if (this.#spec.Mode?.Global) this.#scale();
  }

  /** All tasks end, and others start on the given nodes. */
  replaceTasks(choose: () => string): void {
    this.#tasks = this.#tasks.map(() => ({ ...this.#newTask(), nodeId: choose() }));
  }

  /** State of tasks that start from now on, and of the last one that started. */
  startAs(state: string, error?: string): void {
    this.#start = { state, error };
    const [newest] = this.#tasks;
    if (newest) this.#tasks[0] = { ...newest, ...(newest.state === 'running' ? {} : this.#start) };
  }

  /** Address of a task (0 is the newest) on a network. */
  giveAddress(position: number, networkId: string, address: string): void {
    this.#tasks = this.#tasks.map((task, at) =>
      at === position ? { ...task, addresses: { ...task.addresses, [networkId]: [address] } } : task,
    );
  }

  #setStatus(state: string, message: string): void {
    const startedAt = this.#status?.StartedAt ?? this.#world.clock.timestamp();
    this.#status = { State: state, StartedAt: startedAt, Message: message };
  }

  get #replicas(): number {
    if (this.#spec.Mode?.Global) return this.#world.nodesFor(this.observe()).length;
    return this.#spec.Mode?.Replicated?.Replicas ?? 1;
  }

  #newTasks(): OwnedTask[] {
    const tasks: OwnedTask[] = [];
    while (tasks.length < this.#replicas) tasks.unshift(this.#newTask(tasks));
    return tasks;
  }

  /** Adds or removes tasks: first those without a node, then one of the node with the most. */
  #scale(): void {
    const ended = this.#tasks.filter(({ desiredState }) => desiredState !== 'running');
    const tasks = this.#tasks.filter(({ desiredState }) => desiredState === 'running');
    while (tasks.length < this.#replicas) tasks.unshift(this.#newTask(tasks));
    while (tasks.length > this.#replicas) tasks.splice(tasks.indexOf(surplus(tasks)), 1);
    this.#tasks = [...tasks, ...ended];
  }

  /** On the node with the fewest of the others. */
  #newTask(others: readonly OwnedTask[] = this.#tasks): OwnedTask {
    const [node] = this.#world
      .nodesFor(this.observe())
      .toSorted((a, b) => countOn(others, a.id) - countOn(others, b.id));

    const configs: readonly { ConfigID: string }[] = this.#spec.TaskTemplate.ContainerSpec.Configs ?? [];
    return {
      id: this.#world.nextId('task'),
      serviceId: this.id,
      nodeId: node?.id,
      ...(node ? this.#start : { state: 'pending', error: undefined }),
      desiredState: 'running',
      configIds: configs.map(({ ConfigID }) => ConfigID),
      createdAt: this.#world.clock.timestamp(),
      addresses: {},
    };
  }
}

function countOn(tasks: readonly OwnedTask[], nodeId: string | undefined): number {
  return tasks.filter((task) => task.nodeId === nodeId).length;
}

function surplus(tasks: readonly OwnedTask[]): OwnedTask {
  const [first] = tasks.toSorted((a, b) => countOn(tasks, b.nodeId) - countOn(tasks, a.nodeId));
  return tasks.find(({ nodeId }) => nodeId === undefined) ?? first!;
}

/** The part of the specification that tasks are created from: neither service labels nor the number of replicas. */
function taskPart({ TaskTemplate, EndpointSpec }: Spec): Spec {
  return { TaskTemplate, EndpointSpec };
}
