import type Docker from 'dockerode';
import { Bed } from './bed.ts';
import { type BedNode, findNodes, type NodeName, nodeNames } from './bed-node.ts';
import type { Engine } from './engine.ts';
import { createNetwork, freePort, startNode } from './node-container.ts';
import { bedLabel } from './places.ts';
import { formSwarm } from './swarm-membership.ts';

export interface BedOptions {
  readonly name: string;
  /** `fixed`: 8080 and the like, for people. `random`: for a bed beside it. */
  readonly ports: 'fixed' | 'random';
  readonly image: string;
  readonly note?: (text: string) => void;
}

const fixedPorts: Readonly<Record<NodeName, readonly (readonly [number, number])[]>> = {
  worker1: [
    [8080, 8080],
    [8443, 8443],
  ],
  worker2: [
    [8080, 8081],
    [8443, 8444],
  ],
  manager: [
    [8080, 8082],
    [8443, 8445],
    [9443, 9443],
  ],
};

/** Opens a bed: finds what is left of it, repairs or creates the rest, and forms the swarm. */
export async function openBed(engine: Engine, options: BedOptions): Promise<Bed> {
  const outer = engine.docker;
  let present = await findNodes(outer, [`${bedLabel}=${options.name}`]);
  // The manager holds the swarm. Without it, or from another image, the rest is worth nothing.
  if (present.size > 0 && !(await isWorthKeeping(outer, present, options.image))) {
    options.note?.('replacing the nodes');
    await removeBed(outer, options.name);
    present = new Map();
  }
  if (present.size < nodeNames.length) await createMissing(outer, options, present);
  const nodes = await findNodes(outer, [`${bedLabel}=${options.name}`]);
  const all = nodeNames.map((name) => nodes.get(name)!);
  // The manager first: the workers look for it.
  for (const node of all) await node.start();
  options.note?.('forming the swarm');
  await formSwarm(all);
  return new Bed(engine, options.name, all);
}

/** A bed that another process opened. */
export async function findBed(engine: Engine, name: string): Promise<Bed | undefined> {
  const nodes = await findNodes(engine.docker, [`${bedLabel}=${name}`]);
  if (nodes.size < nodeNames.length) return undefined;
  return new Bed(
    engine,
    name,
    nodeNames.map((node) => nodes.get(node)!),
  );
}

async function isWorthKeeping(outer: Docker, nodes: ReadonlyMap<NodeName, BedNode>, image: string): Promise<boolean> {
  if (!nodes.has('manager')) return false;
  const images = [...nodes.values()].map(
    async (node) => (await outer.getContainer(node.containerId).inspect()).Config.Image,
  );
  return (await Promise.all(images)).every((used) => used === image);
}

async function createMissing(
  outer: Docker,
  options: BedOptions,
  present: ReadonlyMap<NodeName, BedNode>,
): Promise<void> {
  const missing = nodeNames.filter((name) => !present.has(name));
  options.note?.(`starting ${missing.join(', ')}`);
  const network = `signalbox-${options.name}`;
  const subnet = (await findSubnet(outer, network)) ?? (await createNetwork(outer, options.name));
  const ipOf = (name: NodeName) => addressIn(subnet, 10 + nodeNames.indexOf(name));
  await Promise.all(
    missing.map(async (name) =>
      startNode({
        bed: options.name,
        name,
        image: options.image,
        network,
        ip: ipOf(name),
        managerIp: ipOf('manager'),
        ports: await choosePorts(name, options.ports),
      }),
    ),
  );
}

async function choosePorts(name: NodeName, kind: BedOptions['ports']): Promise<Map<number, number>> {
  const ports = new Map([[2375, await freePort()]]);
  for (const [inner, fixed] of fixedPorts[name]) ports.set(inner, kind === 'fixed' ? fixed : await freePort());
  return ports;
}

async function findSubnet(outer: Docker, network: string): Promise<string | undefined> {
  const info = await outer
    .getNetwork(network)
    .inspect()
    .catch(() => undefined);
  return (info as Docker.NetworkInspectInfo | undefined)?.IPAM?.Config?.[0]?.Subnet;
}

const addressIn = (subnet: string, host: number): string => subnet.replace(/\d+\/\d+$/, String(host));

/** Removes all that carries the bed's label: nodes with their volumes, and the network. */
export async function removeBed(outer: Docker, name: string): Promise<number> {
  const filters = { label: [`${bedLabel}=${name}`] };
  const containers = await outer.listContainers({ all: true, filters });
  await Promise.all(containers.map(({ Id }) => outer.getContainer(Id).remove({ force: true, v: true })));
  for (const network of await outer.listNetworks({ filters })) await outer.getNetwork(network.Id).remove();
  return containers.length;
}
