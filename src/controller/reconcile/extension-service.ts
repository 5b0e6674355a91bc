import type { ClusterState } from '../../model/cluster-state.ts';
import { controlNetwork } from '../../model/names.ts';
import { desiredExtension } from '../../model/owned-service.ts';
import type { OwnedService, Snapshot } from '../../model/snapshot.ts';
import type { ClusterOptions } from './cluster-options.ts';
import { ensureIdentity } from './identity-secret.ts';
import { type RolledOut, rollOutService } from './roll-out-service.ts';

/** Keeps a cluster's extension in its desired state: one task on the control network, with its identity. */
export async function ensureExtension(
  state: ClusterState,
  snapshot: Snapshot,
  current: OwnedService | undefined,
  options: ClusterOptions,
  signal: AbortSignal,
): Promise<RolledOut> {
  const network = snapshot.networks.find(({ name }) => name === controlNetwork);
  if (!network) throw new Error(`Network ${controlNetwork} is missing`);
  const secret = await ensureIdentity('extension', state.cluster.name, snapshot, options, signal);
  const desired = desiredExtension(state.cluster, snapshot.nodes, network.id, secret);
  return rollOutService(desired, current, options, signal);
}
