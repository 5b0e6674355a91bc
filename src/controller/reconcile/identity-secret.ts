import type { OwnedRole, Snapshot } from '../../model/snapshot.ts';
import type { ClusterOptions } from './cluster-options.ts';

/** Ensures the secret with the identity of a role's tasks; creates one if none is valid for long enough. */
export async function ensureIdentity(
  role: OwnedRole,
  cluster: string,
  snapshot: Snapshot,
  { credentials, swarm, logger }: ClusterOptions,
  signal: AbortSignal,
): Promise<{ readonly id: string; readonly name: string }> {
  const identity = await credentials.issue(role, cluster, snapshot.secrets);
  if ('id' in identity) return { id: identity.id, name: identity.name };
  const id = await swarm.createSecret(identity, signal);
  logger.info({ cluster, secret: identity.name }, 'Issued certificate');
  return { id, name: identity.name };
}
