import type { ClusterState } from '../../model/cluster-state.ts';
import { desiredExtension } from '../../model/own-services/owned-service.ts';
import { createIdentity, mountedIdentity } from './identities.ts';
import type { Observed } from './observed.ts';
import { planRollOut, type RollOutPlan } from './roll-out-service.ts';

/** A cluster's extension: one task on the control network, with its identity. */
export function planExtension({ cluster }: ClusterState, observed: Observed): RollOutPlan {
  const { snapshot, controlNetworkId, extension } = observed;
  const secret = mountedIdentity('extension', observed);
  const desired = desiredExtension(cluster, snapshot.nodes, controlNetworkId, secret);
  const plan = planRollOut(desired, extension, observed);
  return { ...plan, actions: [...createIdentity('extension', cluster.name, observed), ...plan.actions] };
}
