import { setTimeout as sleep } from 'node:timers/promises';
import type Docker from 'dockerode';
import { certificatesFolder } from './bed-identity.ts';
import type { BedNode } from './bed-node.ts';
import type { NodeName } from './bed-shape.ts';
import type { Engine } from './engine.ts';
import { dropOldImages, loadImages } from './load-images.ts';
import { type Answer, type RequestOptions, request } from './request.ts';
import { run } from './shell.ts';

/** Compose text, or a file of it. */
export type Stack = string | { readonly file: string };

export interface NodeRequest extends RequestOptions {
  /** Which node is asked; worker1 if it is not said. */
  readonly node?: NodeName;
  /** Published port: 8080 or, with TLS, 8443 if it is not said. */
  readonly port?: number;
  readonly tls?: boolean;
}

export interface TaskInfo {
  readonly ID: string;
  readonly NodeID: string;
  readonly DesiredState: string;
  readonly Status: { readonly State: string; readonly Err?: string; readonly Message?: string };
}

interface SwarmNode {
  readonly ID: string;
  readonly Description: { readonly Hostname: string };
}

/** A swarm of nodes in containers. */
export class Bed {
  readonly name: string;
  readonly nodes: readonly BedNode[];
  readonly #engine: Engine;
  #entry: NodeName = 'manager';

  constructor(engine: Engine, name: string, nodes: readonly BedNode[]) {
    this.#engine = engine;
    this.name = name;
    this.nodes = nodes;
  }

  /** The manager that commands are sent to. */
  get manager(): BedNode {
    return this.node(this.#entry);
  }

  get managers(): readonly BedNode[] {
    return this.nodes.filter(({ role }) => role === 'manager');
  }

  /** From now on, sends commands to this manager. */
  enter(manager: NodeName): void {
    this.#entry = manager;
  }

  node(name: NodeName): BedNode {
    return this.nodes.find((node) => node.name === name)!;
  }

  /** Runs the docker CLI against the manager; resolves with its stdout. */
  async docker(...args: string[]): Promise<string> {
    return run(this.#engine.cli, args, { env: this.cliEnv() });
  }

  /** Environment in which the docker CLI speaks to the manager, whatever the user's own is. */
  cliEnv(more: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
    const { DOCKER_CONTEXT: _context, ...env } = process.env;
    const DOCKER_CERT_PATH = certificatesFolder(this.name, this.manager.identity!);
    return { ...env, DOCKER_HOST: this.manager.apiUrl, DOCKER_TLS_VERIFY: '1', DOCKER_CERT_PATH, ...more };
  }

  /** `docker stack deploy`; services that the stack no longer names are removed. */
  async deploy(name: string, stack: Stack, env: NodeJS.ProcessEnv = {}): Promise<void> {
    const file = typeof stack === 'string' ? '-' : stack.file;
    // There is no registry to ask for a digest.
    const args = [
      'stack',
      'deploy',
      '--detach=true',
      '--prune',
      '--resolve-image',
      'never',
      '--compose-file',
      file,
      name,
    ];
    await run(this.#engine.cli, args, {
      env: this.cliEnv(env),
      ...(typeof stack === 'string' ? { input: stack } : {}),
    });
  }

  /** Removes a stack and waits until its services and networks are gone, so that it can be deployed again at once. */
  async removeStack(name: string): Promise<void> {
    await this.docker('stack', 'rm', name);
    const filters = { label: [`com.docker.stack.namespace=${name}`] };
    await this.#until(60_000, `stack ${name} gone`, async () => {
      const [services, networks] = await Promise.all([
        this.manager.docker.listServices({ filters }),
        this.manager.docker.listNetworks({ filters }),
      ]);
      return services.length + networks.length === 0;
    });
  }

  /** Brings images of the outer engine to all nodes; resolves with those that were missing somewhere. */
  async loadImages(...tags: string[]): Promise<readonly string[]> {
    return loadImages(this.#engine, this.nodes, tags);
  }

  async dropOldImages(current: string): Promise<void> {
    await Promise.all(this.nodes.map((node) => dropOldImages(node, current)));
  }

  /** A request to a port that the swarm publishes on a node. */
  async request(options: NodeRequest): Promise<Answer> {
    const tls = options.tls ?? false;
    const { host, port } = this.node(options.node ?? 'worker1').address(options.port ?? (tls ? 8443 : 8080));
    return request({ host, port, tls }, options);
  }

  /** All tasks of a service, by its name. */
  async tasks(service: string): Promise<TaskInfo[]> {
    return (await this.manager.docker.listTasks({ filters: { service: [service] } })) as TaskInfo[];
  }

  async running(service: string): Promise<TaskInfo[]> {
    const tasks = await this.tasks(service);
    return tasks.filter(({ DesiredState, Status }) => DesiredState === 'running' && Status.State === 'running');
  }

  /** Nodes with a running task of a service, as the swarm knows it. */
  async nodesOf(service: string): Promise<NodeName[]> {
    const taken = await this.nodeOfEachTask(service);
    return this.nodes.map(({ name }) => name).filter((name) => taken.includes(name));
  }

  /** Names of nodes, sorted; a node with two running tasks of the service is there twice. */
  async nodeOfEachTask(service: string): Promise<string[]> {
    const [running, nodes] = await Promise.all([this.running(service), this.manager.docker.listNodes()]);
    const hostnames = new Map((nodes as SwarmNode[]).map(({ ID, Description }) => [ID, Description.Hostname]));
    return running.map(({ NodeID }) => hostnames.get(NodeID) ?? NodeID).toSorted();
  }

  /** Ids of the running tasks of a service, sorted. */
  async runningIds(service: string): Promise<string[]> {
    return (await this.running(service)).map(({ ID }) => ID).toSorted();
  }

  /** Waits until a service has so many running tasks, and no others that should run. */
  async settle(service: string, count: number, timeoutMs = 90_000): Promise<void> {
    await this.#until(timeoutMs, `${count} running tasks of ${service}`, async () => {
      const tasks = (await this.tasks(service)).filter(({ DesiredState }) => DesiredState === 'running');
      return tasks.length === count && tasks.every(({ Status }) => Status.State === 'running');
    });
  }

  /** Runs a command in a running task of a service, on whichever node it is; resolves with what it wrote. */
  async exec(service: string, ...command: string[]): Promise<string> {
    for (const node of this.nodes) {
      const id = await findContainer(node.docker, service).catch(() => undefined);
      if (id)
        return run(this.#engine.cli, ['exec', id, ...command], { env: { ...this.cliEnv(), DOCKER_HOST: node.apiUrl } });
    }
    throw new Error(`No running task of ${service}.`);
  }

  async logs(service: string, lines = 50): Promise<string> {
    return this.docker('service', 'logs', '--raw', '--tail', String(lines), service).catch(
      (error: Error) => error.message,
    );
  }

  async #until(timeoutMs: number, what: string, met: () => Promise<boolean>): Promise<void> {
    const deadline = performance.now() + timeoutMs;
    while (!(await met().catch(() => false))) {
      if (performance.now() > deadline) throw new Error(`Waited ${timeoutMs / 1000} s in vain for ${what}.`);
      await sleep(150);
    }
  }
}

async function findContainer(docker: Docker, service: string): Promise<string | undefined> {
  const filters = { label: [`com.docker.swarm.service.name=${service}`], status: ['running'] };
  return (await docker.listContainers({ filters }))[0]?.Id;
}
