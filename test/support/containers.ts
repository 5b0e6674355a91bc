import type Docker from 'dockerode';
import type { BedNode } from '../../bed/bed-node.ts';
import { bed } from './interlock.ts';

/** The running containers of a service, on any node. */
export async function containersOf(service: string): Promise<Docker.ContainerInspectInfo[]> {
  const found = await placesOf(service);
  return Promise.all(found.map(({ node, id }) => node.docker.getContainer(id).inspect()));
}

export interface Place {
  readonly node: BedNode;
  readonly id: string;
}

/** The same, by node. */
export async function placesOf(service: string): Promise<Place[]> {
  const filters = { label: [`com.docker.swarm.service.name=${service}`], status: ['running'] };
  const list = async (node: BedNode) =>
    (await node.docker.listContainers({ filters })).map(({ Id }) => ({ node, id: Id }));
  return (await Promise.all(bed.nodes.map(list))).flat();
}

/** Sends a signal to process 1 of a container. */
export async function signalContainer({ node, id }: Place, signal: 'KILL' | 'STOP'): Promise<void> {
  await node.docker.getContainer(id).kill({ signal });
}

/** Runs a program in a task. Resolves with its last line of output. */
export async function runNode(service: string, program: string): Promise<string> {
  const written = await bed.exec(service, 'node', '-e', program);
  return written.trim().split('\n').at(-1)!;
}
