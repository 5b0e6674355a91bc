import { setTimeout as sleep } from 'node:timers/promises';
import type { BedNode } from './bed-node.ts';

interface SwarmNodeInfo {
  readonly ID: string;
  readonly Version: { readonly Index: number };
  readonly Spec: { readonly Role: string };
  readonly Description: { readonly Hostname: string };
  readonly Status: { readonly State: string };
}

/** Joins the nodes into one swarm. Nodes that have already joined stay as they are. */
export async function formSwarm(nodes: readonly BedNode[]): Promise<void> {
  const manager = nodes.find(({ role }) => role === 'manager')!;
  await ensureLeader(manager);
  const { JoinTokens } = (await manager.docker.swarmInspect()) as { JoinTokens: Record<'Manager' | 'Worker', string> };
  for (const node of nodes)
    if (node !== manager) await ensureMember(manager, node, JoinTokens[node.role === 'manager' ? 'Manager' : 'Worker']);
  await forgetDeadNodes(manager, nodes);
  await awaitReady(manager, nodes);
}

async function ensureLeader(manager: BedNode): Promise<void> {
  if (!(await isMember(manager))) {
    // With Swarm's heartbeat, nodes are down after 15 s. A shorter one takes nodes of a busy machine for lost.
    await manager.docker.swarmInit({ ListenAddr: '0.0.0.0:2377', AdvertiseAddr: manager.ip });
  }
  // After a restart, a manager's API answers before the manager has elected itself leader.
  const deadline = performance.now() + 60_000;
  while (!(await manager.docker.swarmInspect().then(Boolean, () => false))) {
    if (performance.now() > deadline) throw new Error('The manager did not become the leader of its swarm.');
    await sleep(200);
  }
}

async function ensureMember(manager: BedNode, node: BedNode, token: string): Promise<void> {
  if (await isKnown(manager, node)) return;
  if (await isMember(node)) await node.docker.swarmLeave({ force: true });
  await node.docker.swarmJoin({
    ListenAddr: '0.0.0.0:2377',
    AdvertiseAddr: node.ip,
    RemoteAddrs: [`${manager.ip}:2377`],
    JoinToken: token,
  });
}

async function isMember(node: BedNode): Promise<boolean> {
  const { Swarm } = (await node.docker.info()) as { Swarm: { LocalNodeState: string } };
  return Swarm.LocalNodeState !== 'inactive';
}

const listNodes = async (manager: BedNode) => (await manager.docker.listNodes()) as SwarmNodeInfo[];

async function isKnown(manager: BedNode, node: BedNode): Promise<boolean> {
  const { Swarm } = (await node.docker.info()) as { Swarm: { NodeID: string } };
  return (await listNodes(manager)).some(({ ID }) => ID === Swarm.NodeID);
}

/** A recreated node leaves its predecessor in the node list, down forever. */
async function forgetDeadNodes(manager: BedNode, nodes: readonly BedNode[]): Promise<void> {
  const living = new Set(await Promise.all(nodes.map((node) => node.swarmId())));
  for (const { ID } of await listNodes(manager)) if (!living.has(ID)) await forget(manager, ID);
}

/**
 * Swarm does not remove a manager, dead or not, until it is demoted and the others have removed it from the Raft
 * cluster. In a cluster that was restored from a backup it is no member, so demoting reports an error but takes effect.
 */
async function forget(manager: BedNode, id: string): Promise<void> {
  const node = manager.docker.getNode(id);
  const deadline = performance.now() + 60_000;
  for (;;) {
    try {
      await node.remove({ force: true });
      return;
    } catch (error) {
      if (performance.now() > deadline) throw error;
      await demote(manager, id).catch(() => undefined);
      await sleep(300);
    }
  }
}

async function demote(manager: BedNode, id: string): Promise<void> {
  const node = manager.docker.getNode(id);
  const { Version, Spec } = (await node.inspect()) as SwarmNodeInfo;
  if (Spec.Role === 'manager') await node.update({ version: Version.Index, ...Spec, Role: 'worker' });
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
