import { setTimeout as sleep } from 'node:timers/promises';
import type Docker from 'dockerode';
import { certificatesFolder } from './bed-identity.ts';
import type { BedNode } from './bed-node.ts';
import type { NodeName } from './bed-shape.ts';
import type { Engine } from './engine.ts';
import type { Images } from './images.ts';
import { dropOldImages, loadImages, tagAsLatest } from './load-images.ts';
import { type Answer, type RequestOptions, request } from './request.ts';
import { run } from './shell.ts';

/** Compose text, or a file with it. */
export type Stack = string | { readonly file: string };

export interface NodeRequest extends RequestOptions {
  /** Node to send the request to. Defaults to worker1. */
  readonly node?: NodeName;
  /** Published port. Defaults to 8080 or, with TLS, 8443. */
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

  /** The manager that receives commands. */
  get manager(): BedNode {
    return this.node(this.#entry);
  }

  get managers(): readonly BedNode[] {
    return this.nodes.filter(({ role }) => role === 'manager');
  }

  /** Sends commands to this manager from now on. */
  enter(manager: NodeName): void {
    this.#entry = manager;
  }

  node(name: NodeName): BedNode {
    return this.nodes.find((node) => node.name === name)!;
  }

  /** Runs the docker CLI against the manager and resolves with its stdout. */
  async docker(...args: string[]): Promise<string> {
    return run(this.#engine.cli, args, { env: this.cliEnv() });
  }

  /** Environment in which the docker CLI connects to the manager, independent of the user's environment. */
  cliEnv(more: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
    const { DOCKER_CONTEXT: _context, ...env } = process.env;
    const DOCKER_CERT_PATH = certificatesFolder(this.name, this.manager.identity!);
    return { ...env, DOCKER_HOST: this.manager.apiUrl, DOCKER_TLS_VERIFY: '1', DOCKER_CERT_PATH, ...more };
  }

  /** `docker stack deploy`. Removes services that the stack no longer defines. */
  async deploy(name: string, stack: Stack, env: NodeJS.ProcessEnv = {}): Promise<void> {
    const file = typeof stack === 'string' ? '-' : stack.file;
    // No registry is available to resolve a digest.
    const args = [
      'stack',
      'deploy',
      '--detach=true',
      '--prune',
      '--resolve-image',
      'never',
      '--with-registry-auth',
      '--compose-file',
      file,
      name,
    ];
    await run(this.#engine.cli, args, {
      env: this.cliEnv(env),
      ...(typeof stack === 'string' ? { input: stack } : {}),
    });
  }

  /**
   * Removes a stack and waits until its services and networks are gone, so that it can be deployed again immediately.
   */
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

  /** Copies images of the outer engine to all nodes. Resolves with those that were missing on some node. */
  async loadImages(...tags: string[]): Promise<readonly string[]> {
    return loadImages(this.#engine, this.nodes, tags);
  }

  /** Copies our images. The demo's image is also there as `signalbox/demo`, without a tag. */
  async loadProduct({ product, version }: Pick<Images, 'product' | 'version'>): Promise<readonly string[]> {
    const sent = await this.loadImages(...product);
    const demo = `signalbox/demo:${version}`;
    if (product.includes(demo)) await tagAsLatest(this.nodes, demo);
    return sent;
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

  /** Nodes with a running task of a service, according to the swarm. */
  async nodesOf(service: string): Promise<NodeName[]> {
    const taken = await this.nodeOfEachTask(service);
    return this.nodes.map(({ name }) => name).filter((name) => taken.includes(name));
  }

  /** Node names, sorted. A node with two running tasks of the service is listed twice. */
  async nodeOfEachTask(service: string): Promise<string[]> {
    const [running, nodes] = await Promise.all([this.running(service), this.manager.docker.listNodes()]);
    const hostnames = new Map((nodes as SwarmNode[]).map(({ ID, Description }) => [ID, Description.Hostname]));
    return running.map(({ NodeID }) => hostnames.get(NodeID) ?? NodeID).toSorted();
  }

  /** Ids of a service's running tasks, sorted. */
  async runningIds(service: string): Promise<string[]> {
    return (await this.running(service)).map(({ ID }) => ID).toSorted();
  }

  /** Waits until a service has exactly this many running tasks and no others that should run. */
  async settle(service: string, count: number, timeoutMs = 90_000): Promise<void> {
    await this.#until(timeoutMs, `${count} running tasks of ${service}`, async () => {
      const tasks = (await this.tasks(service)).filter(({ DesiredState }) => DesiredState === 'running');
      return tasks.length === count && tasks.every(({ Status }) => Status.State === 'running');
    });
  }

  /** Runs a command in a running task of a service, on any node. Resolves with its output. */
  async exec(service: string, ...command: string[]): Promise<string> {
    for (const node of this.nodes) {
      const [id] = await findContainers(node.docker, service).catch((): string[] => []);
      if (id)
        return run(this.#engine.cli, ['exec', id, ...command], { env: { ...this.cliEnv(), DOCKER_HOST: node.apiUrl } });
    }
    throw new Error(`No running task of ${service}.`);
  }

  /** Runs a command in every running task of a service at the same time. Resolves with the outputs. */
  async execAll(service: string, ...command: string[]): Promise<string[]> {
    const outputs = this.nodes.map(async ({ docker, apiUrl }) => {
      const env = { ...this.cliEnv(), DOCKER_HOST: apiUrl };
      const ids = await findContainers(docker, service);
      return Promise.all(ids.map((id) => run(this.#engine.cli, ['exec', id, ...command], { env })));
    });
    return (await Promise.all(outputs)).flat();
  }

  /**
   * The last log lines of each container of a service, ended ones too, from the nodes themselves: `docker service logs`
   * waits forever for a node that does not answer the manager.
   */
  async logs(service: string, lines = 50): Promise<string> {
    const texts = await Promise.all(this.nodes.map((node) => logsOn(node.docker, service, lines).catch(() => [])));
    return texts.flat().join('');
  }

  async #until(timeoutMs: number, what: string, met: () => Promise<boolean>): Promise<void> {
    const deadline = performance.now() + timeoutMs;
    while (!(await met().catch(() => false))) {
      if (performance.now() > deadline) throw new Error(`Timed out after ${timeoutMs / 1000} s waiting for ${what}.`);
      await sleep(150);
    }
  }
}

async function findContainers(docker: Docker, service: string): Promise<string[]> {
  const filters = { label: [`com.docker.swarm.service.name=${service}`], status: ['running'] };
  return (await docker.listContainers({ filters })).map(({ Id }) => Id);
}

async function logsOn(docker: Docker, service: string, lines: number): Promise<string[]> {
  const abortSignal = AbortSignal.timeout(20_000);
  const filters = { label: [`com.docker.swarm.service.name=${service}`] };
  const containers = await docker.listContainers({ all: true, filters, abortSignal });
  const texts = containers.map(({ Id }) =>
    docker.getContainer(Id).logs({ stdout: true, stderr: true, tail: lines, abortSignal }),
  );
  return (await Promise.all(texts)).map(withoutFrames);
}

/** Docker frames both outputs of a container: eight bytes, the last four of them the length of what follows. */
function withoutFrames(framed: Buffer): string {
  const parts: Buffer[] = [];
  for (let at = 0; at + 8 <= framed.length; ) {
    const end = at + 8 + framed.readUInt32BE(at + 4);
    parts.push(framed.subarray(at + 8, end));
    at = end;
  }
  return Buffer.concat(parts).toString('utf8');
}
