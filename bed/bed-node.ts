import { buffer } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import Docker from 'dockerode';
import type { Identity } from '../src/protocol/names.ts';
import { identityOf } from './bed-identity.ts';
import { type BedShape, type NodeName, namesOf, roleOf, shapeOf } from './bed-shape.ts';
import { nodeLabel } from './places.ts';

/** Port of a node's engine. It accepts only clients with the bed's identity. */
export const enginePort = 2376;

/** One node of a bed: a container of the outer engine that runs its own engine. */
export class BedNode {
  readonly name: NodeName;
  readonly role: 'manager' | 'worker';
  /** Shape of the bed that the node was created for. */
  readonly shape: BedShape;
  readonly ip: string;
  /** The engine of this node. */
  readonly docker: Docker;
  readonly containerId: string;
  /** Undefined if an earlier version of the bed created the node: its engine cannot be used. */
  readonly identity: Identity | undefined;
  readonly #ports: ReadonlyMap<number, number>;
  readonly #outer: Docker;

  constructor(outer: Docker, name: NodeName, info: Docker.ContainerInspectInfo) {
    this.name = name;
    this.role = roleOf(name);
    this.shape = shapeOf(info.Config.Labels);
    this.containerId = info.Id;
    this.ip = Object.values(info.NetworkSettings.Networks)[0]?.IPAMConfig?.IPv4Address ?? '';
    this.#outer = outer;
    this.#ports = portsOf(info);
    this.identity = identityOf(info);
    const port = this.#ports.get(enginePort) ?? 0;
    this.docker = new Docker({ protocol: 'https', host: '127.0.0.1', port, ...this.identity });
  }

  /** Port on the host's loopback interface that forwards to a port of this node. */
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
    return `tcp://127.0.0.1:${this.port(enginePort)}`;
  }

  /** Freezes all processes of the node. Other nodes cannot reach it. */
  async pause(): Promise<void> {
    await this.#container.pause();
  }

  async unpause(): Promise<void> {
    await this.#container.unpause();
  }

  /**
   * Drops the traffic between this node and the other nodes. Unlike disconnecting the network, this keeps the ports on
   * the host's loopback interface, so clients still reach the node.
   */
  async cutOff(others: readonly BedNode[]): Promise<void> {
    const rules = ['-N CUT', '-I INPUT -j CUT', '-I OUTPUT -j CUT'];
    const drops = others.flatMap(({ ip }) => [`-A CUT -s ${ip} -j DROP`, `-A CUT -d ${ip} -j DROP`]);
    await this.#iptables([...rules, ...drops]);
  }

  /** Undoes `cutOff`. */
  async reconnect(): Promise<void> {
    await this.#iptables(['-D INPUT -j CUT', '-D OUTPUT -j CUT', '-F CUT', '-X CUT']);
  }

  async #iptables(rules: readonly string[]): Promise<void> {
    const code = await this.exec('sh', '-ec', rules.map((rule) => `iptables -w ${rule}`).join('\n'));
    if (code !== 0) throw new Error(`iptables failed on ${this.name} (${code}).`);
  }

  /** Kills the node, as a power failure would. */
  async kill(): Promise<void> {
    await this.#container.kill();
  }

  /** Shuts the node down: its engine ends its containers first. */
  async stop(): Promise<void> {
    await this.#container.stop({ t: 60 });
  }

  /** A folder of the node, running or not, as a tar archive. */
  async readFolder(path: string): Promise<Buffer> {
    return buffer(await this.#container.getArchive({ path }));
  }

  /** Unpacks a tar archive into a folder of the node, running or not. */
  async writeFolder(path: string, archive: Buffer): Promise<void> {
    await this.#container.putArchive(archive, { path });
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
      const ping = this.docker.ping().then(Boolean, () => false);
      if (await Promise.race([ping, sleep(2_000, false)])) return;
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

/** A stopped container has no ports, but its configuration still lists them. */
function portsOf(info: Docker.ContainerInspectInfo): Map<number, number> {
  const bindings = Object.entries((info.HostConfig.PortBindings ?? {}) as Record<string, { HostPort: string }[]>);
  return new Map(bindings.map(([inner, [binding]]) => [Number.parseInt(inner, 10), Number(binding?.HostPort)]));
}

/** The nodes of a bed that exist as containers, running or not, found by their labels. */
export async function findNodes(outer: Docker, labels: readonly string[]): Promise<Map<NodeName, BedNode>> {
  const found = await outer.listContainers({ all: true, filters: { label: [...labels] } });
  const nodes = new Map<NodeName, BedNode>();
  for (const { Id, Labels } of found) {
    const name = namesOf(shapeOf(Labels)).find((candidate) => candidate === Labels[nodeLabel]);
    if (name) nodes.set(name, new BedNode(outer, name, await outer.getContainer(Id).inspect()));
  }
  return nodes;
}
