import type { OwnedRole } from '../../model/snapshot.ts';
import { type CreateIdentity, PENDING_ID } from './actions.ts';
import type { Observed } from './observed.ts';

/** Creates the secret with the identity of a role's tasks, if none is valid for long enough. */
export function createIdentity(role: OwnedRole, cluster: string, { identities }: Observed): CreateIdentity[] {
  const { id, name } = identities[role];
  return id === undefined ? [{ kind: 'create-identity', role, cluster, name }] : [];
}

export function mountedIdentity(role: OwnedRole, { identities }: Observed) {
  const { id = PENDING_ID, name } = identities[role];
  return { id, name };
}
