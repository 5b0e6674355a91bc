import type Docker from 'dockerode';

type Item = Readonly<Record<string, unknown>>;
type Kind = 'service' | 'network' | 'node' | 'config' | 'secret';

const KINDS = ['service', 'network', 'node', 'config', 'secret'] as const;

/** The part of dockerode that an Observer and a store use: answers in the Engine's format, and counts of requests. */
export class FakeDocker {
  /** Objects by kind and id. Tests may change them. */
  readonly objects: Readonly<Record<Kind, Map<string, Item>>> = {
    service: new Map(),
    network: new Map(),
    node: new Map(),
    config: new Map(),
    secret: new Map(),
  };
  tasks: readonly Item[] = [];
  readonly calls: string[] = [];
  /** Called before a request is answered. It may wait, or throw. */
  before: (call: string) => Promise<void> = async () => {};

  /** Requests during an action. */
  async callsOf(action: () => Promise<unknown>): Promise<string[]> {
    const before = this.calls.length;
    await action();
    return this.calls.slice(before).toSorted();
  }

  /** A client for it. */
  get client(): Docker {
    const methods = KINDS.flatMap((kind) => {
      const name = kind[0]!.toUpperCase() + kind.slice(1);
      const inspect = (id: string) => this.#answer(`inspect ${kind} ${id}`, () => this.#find(kind, id));
      return [
        [`list${name}s`, () => this.#answer(`list ${kind}s`, () => [...this.objects[kind].values()])],
        [`get${name}`, (id: string) => ({ inspect: () => inspect(id), remove: () => this.#remove(kind, id) })],
      ] as const;
    });
    const listTasks = () => this.#answer('list tasks', () => this.tasks);
    const createConfig = (spec: Item) => this.#answer('create config', () => this.#createConfig(spec));
    return { ...Object.fromEntries(methods), listTasks, createConfig } as unknown as Docker;
  }

  #createConfig(spec: Item): Item {
    const { config } = this.objects;
    const isTaken = [...config.values()].some(({ Spec }) => (Spec as Item).Name === spec.Name);
    if (isTaken) throw Object.assign(new Error(`config ${spec.Name} exists`), { statusCode: 409 });
    const ID = `config-${this.calls.length}`;
    config.set(ID, { ID, CreatedAt: '2026-01-01T00:00:00Z', Spec: spec });
    return { ID };
  }

  async #remove(kind: Kind, id: string): Promise<void> {
    return this.#answer(
      `remove ${kind} ${id}`,
      () => void this.objects[kind].delete(this.#find(kind, id).ID as string),
    );
  }

  async #answer<T>(call: string, result: () => T): Promise<T> {
    this.calls.push(call);
    const answer = result();
    await this.before(call);
    return structuredClone(answer);
  }

  #find(kind: Kind, id: string): Item {
    const item = this.objects[kind].get(id);
    if (!item) throw notFound(kind, id);
    return item;
  }
}

function notFound(kind: string, id: string): Error {
  return Object.assign(new Error(`${kind} ${id} not found`), { statusCode: 404 });
}

let index = 0;

/** Swarm increments it with every write. */
function nextVersion() {
  index += 1;
  return { Index: index };
}

/** A service in the Engine's format, with the real one's nulls and missing fields. */
export function engineService(name: string, labels: Readonly<Record<string, string>> | null = null): Item {
  return {
    ID: name,
    Version: nextVersion(),
    CreatedAt: '2026-01-01T00:00:00Z',
    Spec: { Name: name, Labels: labels, TaskTemplate: { ContainerSpec: { Image: 'demo' } }, Mode: { Replicated: {} } },
    Endpoint: { Spec: {} },
  };
}

/** A config, a secret or a node. */
export function engineObject(name: string): Item {
  return { ID: name, Version: nextVersion(), CreatedAt: '2026-01-01T00:00:00Z', Spec: { Name: name, Role: 'worker' } };
}

export function engineNetwork(name: string): Item {
  return { Id: name, Name: name, Driver: 'overlay', Scope: 'swarm' };
}
