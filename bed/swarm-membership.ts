import { setTimeout as sleep } from 'node:timers/promises';
import type { BedNode } from './bed-node.ts';

interface SwarmNodeInfo {
  readonly ID: string;
  readonly Description: { readonly Hostname: string };
  readonly Status: { readonly State: string };
}

/** Makes the nodes one swarm; nodes that are in it already stay as they are. */
export async function formSwarm(nodes: readonly BedNode[]): Promise<void> {
  const manager = nodes.find(({ role }) => role === 'manager')!;
  await ensureManager(manager);
  const token = ((await manager.docker.swarmInspect()) as { JoinTokens: { Worker: string } }).JoinTokens.Worker;
  for (const node of nodes) if (node !== manager) await ensureWorker(manager, node, token);
  await forgetDeadNodes(manager, nodes);
  await awaitReady(manager, nodes);
}

async function ensureManager(manager: BedNode): Promise<void> {
  if (!(await isMember(manager))) {
    await manager.docker.swarmInit({
      ListenAddr: '0.0.0.0:2377',
      AdvertiseAddr: manager.ip,
      // A dead node is noticed after three missed heartbeats; the default is 5 s.
      Spec: { Dispatcher: { HeartbeatPeriod: 1_000_000_000 } },
    });
  }
  // After a restart the manager answers its API before it has elected itself.
  const deadline = performance.now() + 60_000;
  while (!(await manager.docker.swarmInspect().then(Boolean, () => false))) {
    if (performance.now() > deadline) throw new Error('The manager does not lead its swarm.');
    await sleep(200);
  }
}

async function ensureWorker(manager: BedNode, worker: BedNode, token: string): Promise<void> {
  if (await isKnown(manager, worker)) return;
  if (await isMember(worker)) await worker.docker.swarmLeave({ force: true });
  await worker.docker.swarmJoin({
    ListenAddr: '0.0.0.0:2377',
    AdvertiseAddr: worker.ip,
    RemoteAddrs: [`${manager.ip}:2377`],
    JoinToken: token,
  });
}

async function isMember(node: BedNode): Promise<boolean> {
  const { Swarm } = (await node.docker.info()) as { Swarm: { LocalNodeState: string } };
  return Swarm.LocalNodeState !== 'inactive';
}

const listNodes = async (manager: BedNode) => (await manager.docker.listNodes()) as SwarmNodeInfo[];

async function isKnown(manager: BedNode, worker: BedNode): Promise<boolean> {
  const { Swarm } = (await worker.docker.info()) as { Swarm: { NodeID: string } };
  return (await listNodes(manager)).some(({ ID }) => ID === Swarm.NodeID);
}

/** A node that was made anew leaves its predecessor behind, down for ever. */
async function forgetDeadNodes(manager: BedNode, nodes: readonly BedNode[]): Promise<void> {
  const living = new Set(await Promise.all(nodes.map((node) => node.swarmId())));
  for (const { ID } of await listNodes(manager)) {
    if (!living.has(ID)) await manager.docker.getNode(ID).remove({ force: true });
  }
}

async function awaitReady(manager: BedNode, nodes: readonly BedNode[]): Promise<void> {
  const deadline = performance.now() + 60_000;
  for (;;) {
    const listed = await listNodes(manager);
    const waiting = listed
      .filter(({ Status }) => Status.State !== 'ready')
      .map(({ Description }) => Description?.Hostname);
    if (listed.length === nodes.length && waiting.length === 0) return;
    if (performance.now() > deadline) throw new Error(`Not ready in the swarm: ${waiting.join(', ')}`);
    await sleep(200);
  }
}
