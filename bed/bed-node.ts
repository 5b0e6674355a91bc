import { setTimeout as sleep } from 'node:timers/promises';
import Docker from 'dockerode';
import { nodeLabel } from './places.ts';

export type NodeName = 'manager' | 'worker1' | 'worker2';
export const nodeNames: readonly NodeName[] = ['manager', 'worker1', 'worker2'];

/** One node of a bed: a container of the outer engine with an engine of its own. */
export class BedNode {
  readonly name: NodeName;
  readonly role: 'manager' | 'worker';
  readonly ip: string;
  /** The engine of this node. */
  readonly docker: Docker;
  readonly containerId: string;
  readonly #ports: ReadonlyMap<number, number>;
  readonly #outer: Docker;

  constructor(outer: Docker, name: NodeName, info: Docker.ContainerInspectInfo) {
    this.name = name;
    this.role = name === 'manager' ? 'manager' : 'worker';
    this.containerId = info.Id;
    this.ip = Object.values(info.NetworkSettings.Networks)[0]?.IPAMConfig?.IPv4Address ?? '';
    this.#outer = outer;
    this.#ports = portsOf(info);
    this.docker = new Docker({ protocol: 'http', host: '127.0.0.1', port: this.port(2375) });
  }

  /** Port of the host's loopback that leads to a port of this node. */
  port(inner: number): number {
    const port = this.#ports.get(inner);
    if (port === undefined) throw new Error(`Port ${inner} of ${this.name} is not mapped: use ${this.ip}:${inner}.`);
    return port;
  }

  /** Where a published port of the swarm answers on this node. */
  address(inner: number): { host: string; port: number } {
    const mapped = this.#ports.get(inner);
    return mapped === undefined ? { host: this.ip, port: inner } : { host: '127.0.0.1', port: mapped };
  }

  get apiUrl(): string {
    return `tcp://127.0.0.1:${this.port(2375)}`;
  }

  /** Freezes all processes of the node; to the others it is unreachable. */
  async pause(): Promise<void> {
    await this.#container.pause();
  }

  async unpause(): Promise<void> {
    await this.#container.unpause();
  }

  /** Pulls the plug. */
  async kill(): Promise<void> {
    await this.#container.kill();
  }

  /** Starts the node again, or unfreezes it, and waits until its engine answers. */
  async start(): Promise<void> {
    const { State } = await this.#container.inspect();
    if (State.Paused) await this.#container.unpause();
    else if (!State.Running) await this.#container.start();
    await this.awaitEngine();
  }

  async awaitEngine(): Promise<void> {
    const deadline = performance.now() + 60_000;
    for (;;) {
      const answers = await fetch(`http://127.0.0.1:${this.port(2375)}/_ping`, {
        signal: AbortSignal.timeout(2_000),
      }).then(
        (response) => response.ok,
        () => false,
      );
      if (answers) return;
      if (performance.now() > deadline) throw new Error(`The engine of ${this.name} does not answer.`);
      await sleep(200);
    }
  }

  /** Id of this node in the swarm. */
  async swarmId(): Promise<string | undefined> {
    const info = (await this.docker.info()) as { Swarm: { NodeID: string; LocalNodeState: string } };
    return info.Swarm.LocalNodeState === 'active' ? info.Swarm.NodeID : undefined;
  }

  async isRunning(): Promise<boolean> {
    const { State } = await this.#container.inspect();
    return State.Running && !State.Paused;
  }

  /** Runs a command on the node itself. */
  async exec(...command: string[]): Promise<number> {
    const exec = await this.#container.exec({ Cmd: command, AttachStdout: true, AttachStderr: true });
    const stream = await exec.start({ hijack: true });
    stream.resume();
    await new Promise((resolve) => stream.on('end', resolve).on('close', resolve));
    return (await exec.inspect()).ExitCode ?? 1;
  }

  async remove(): Promise<void> {
    await this.#container.remove({ force: true, v: true });
  }

  get #container(): Docker.Container {
    return this.#outer.getContainer(this.containerId);
  }
}

/** A stopped container has no ports, but its configuration still names them. */
function portsOf(info: Docker.ContainerInspectInfo): Map<number, number> {
  const bindings = Object.entries((info.HostConfig.PortBindings ?? {}) as Record<string, { HostPort: string }[]>);
  return new Map(bindings.map(([inner, [binding]]) => [Number.parseInt(inner, 10), Number(binding?.HostPort)]));
}

/** The nodes of a bed that exist as containers, running or not, found by their labels. */
export async function findNodes(outer: Docker, labels: readonly string[]): Promise<Map<NodeName, BedNode>> {
  const found = await outer.listContainers({ all: true, filters: { label: [...labels] } });
  const nodes = new Map<NodeName, BedNode>();
  for (const container of found) {
    const name = nodeNames.find((candidate) => candidate === container.Labels[nodeLabel]);
    if (name) nodes.set(name, new BedNode(outer, name, await outer.getContainer(container.Id).inspect()));
  }
  return nodes;
}
