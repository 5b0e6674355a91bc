import type Docker from 'dockerode';
import { Bed } from './bed.ts';
import { createBedIdentity } from './bed-identity.ts';
import { type BedNode, enginePort, findNodes } from './bed-node.ts';
import { type BedShape, describeShape, fixedPorts, type NodeName, namesOf, roleOf, usualShape } from './bed-shape.ts';
import type { Engine } from './engine.ts';
import { createNetwork, freePort, startNode } from './node-container.ts';
import { ownerLabel } from './owner.ts';
import { bedLabel } from './places.ts';
import { formSwarm } from './swarm-membership.ts';

export interface BedOptions {
  readonly name: string;
  /** `fixed`: 8080 and so on, for manual use. `random`: for an additional bed. */
  readonly ports: 'fixed' | 'random';
  readonly image: string;
  /** The process that owns the bed. Without one, the bed stays. */
  readonly owner?: string | undefined;
  /** Defaults to one manager and two workers. */
  readonly shape?: BedShape;
  readonly note?: (text: string) => void;
}

/** Opens a bed: finds the existing parts, repairs or creates the others, and forms the swarm. */
export async function openBed(engine: Engine, options: BedOptions): Promise<Bed> {
  const outer = engine.docker;
  const shape = options.shape ?? usualShape;
  const names = namesOf(shape);
  let present = await findNodes(outer, [`${bedLabel}=${options.name}`]);
  // The first manager holds the swarm. If it is missing, runs another image or has another shape, the other nodes are
  // useless.
  if (present.size > 0 && !(await isWorthKeeping(outer, present, options.image, shape))) {
    options.note?.('replacing the nodes');
    await removeBed(outer, options.name);
    present = new Map();
  }
  if (present.size < names.length) await createMissing(outer, options, shape, present);
  const nodes = await findNodes(outer, [`${bedLabel}=${options.name}`]);
  const all = names.map((name) => nodes.get(name)!);
  // Managers first: the workers connect to them.
  for (const node of all) await node.start();
  options.note?.('forming the swarm');
  await formSwarm(all);
  return new Bed(engine, options.name, all);
}

/** A bed that another process opened. */
export async function findBed(engine: Engine, name: string): Promise<Bed | undefined> {
  const nodes = await findNodes(engine.docker, [`${bedLabel}=${name}`]);
  const manager = nodes.get('manager');
  if (!manager?.identity) return undefined;
  const all = namesOf(manager.shape).map((node) => nodes.get(node));
  return all.every((node) => node !== undefined) ? new Bed(engine, name, all) : undefined;
}

async function isWorthKeeping(
  outer: Docker,
  nodes: ReadonlyMap<NodeName, BedNode>,
  image: string,
  shape: BedShape,
): Promise<boolean> {
  if (!nodes.get('manager')?.identity) return false;
  if ([...nodes.values()].some((node) => describeShape(node.shape) !== describeShape(shape))) return false;
  const images = [...nodes.values()].map(
    async (node) => (await outer.getContainer(node.containerId).inspect()).Config.Image,
  );
  return (await Promise.all(images)).every((used) => used === image);
}

async function createMissing(
  outer: Docker,
  options: BedOptions,
  shape: BedShape,
  present: ReadonlyMap<NodeName, BedNode>,
): Promise<void> {
  const names = namesOf(shape);
  const missing = names.filter((name) => !present.has(name));
  options.note?.(`starting ${missing.join(', ')}`);
  const network = `signalbox-${options.name}`;
  const subnet = (await findSubnet(outer, network)) ?? (await createNetwork(outer, options.name, options.owner));
  const ipOf = (name: NodeName) => addressIn(subnet, 10 + names.indexOf(name));
  const identity = present.get('manager')?.identity ?? (await createBedIdentity(names.map(ipOf)));
  await Promise.all(
    missing.map(async (name) =>
      startNode({
        bed: options.name,
        name,
        shape,
        image: options.image,
        network,
        subnet,
        owner: options.owner,
        ip: ipOf(name),
        managerIps: names.filter((other) => roleOf(other) === 'manager').map(ipOf),
        identity,
        ports: await choosePorts(fixedPorts(shape, name), options.ports),
      }),
    ),
  );
}

async function choosePorts(
  published: readonly (readonly [number, number])[],
  kind: BedOptions['ports'],
): Promise<Map<number, number>> {
  const ports = new Map([[enginePort, await freePort()]]);
  for (const [inner, fixed] of published) ports.set(inner, kind === 'fixed' ? fixed : await freePort());
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

/**
 * Removes everything with the bed's label: nodes with their volumes, and the network. With an owner, removes only what
 * belongs to it.
 */
export async function removeBed(outer: Docker, name: string, owner?: string): Promise<number> {
  const filters = { label: [`${bedLabel}=${name}`, ...(owner === undefined ? [] : [`${ownerLabel}=${owner}`])] };
  const containers = await outer.listContainers({ all: true, filters });
  await Promise.all(containers.map(({ Id }) => outer.getContainer(Id).remove({ force: true, v: true })));
  for (const network of await outer.listNetworks({ filters })) await outer.getNetwork(network.Id).remove();
  return containers.length;
}
