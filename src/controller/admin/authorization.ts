import type { MiddlewareHandler } from 'hono';
import { includesRole } from '../../model/access/roles.ts';
import type { User } from './access.ts';
import { describedOperation } from './known-routes.ts';
import { Refusal } from './problem-details.ts';

type Env = { Variables: { user: User } };

/** Authorizes requests by the access in the API description. Routes without a description are forbidden. */
export const authorize: MiddlewareHandler<Env> = async ({ req: { path, method }, get }, next) => {
  const user = get('user');
  const described = describedOperation(path, method);
  if (described === undefined) throw forbidden(`${method} ${path} is not allowed.`);
  const { operation, values } = described;
  if (operation.access !== 'open' && !includesRole(user.role, operation.access))
    throw forbidden(`Requires the role ${operation.access}; ${user.name} has the role ${user.role}.`);
  if (operation.usersOnly && user.via === 'token')
    throw forbidden('API tokens cannot manage API tokens. Sign in as a user.');
  requireCluster(user, operation.ofCluster, values.cluster);
  await next();
};

function requireCluster(user: User, ofCluster: 'path' | 'target' | 'answer' | undefined, cluster = ''): void {
  if (user.cluster === undefined) return;
  // The handler checks the target's cluster, or limits the answer to the cluster.
  if (ofCluster === 'target' || ofCluster === 'answer') return;
  if (ofCluster !== 'path' || decoded(cluster) !== user.cluster) throw otherCluster(user);
}

export function otherCluster({ name, cluster }: User): Refusal {
  return forbidden(`Token ${name} is limited to cluster ${cluster}.`);
}

/** Decodes like the handler. Malformed text becomes the empty string, which is not a cluster's name. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return '';
  }
}

function forbidden(detail: string): Refusal {
  return new Refusal(403, 'Forbidden', detail);
}
