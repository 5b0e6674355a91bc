import type { MiddlewareHandler } from 'hono';
import { includesRole } from '../model/roles.ts';
import type { User } from './access.ts';
import { describedOperation } from './known-routes.ts';
import { Refusal } from './problem-details.ts';

type Env = { Variables: { user: User } };

/** Lets through what the API's own description grants to the user: a route that does not say to whom it is open is closed. */
export const authorize: MiddlewareHandler<Env> = async ({ req: { path, method }, get }, next) => {
  const user = get('user');
  const described = describedOperation(path, method);
  if (described === undefined) throw forbidden(`Nobody may use ${method} ${path}.`);
  const { operation, values } = described;
  if (operation.access !== 'open' && !includesRole(user.role, operation.access))
    throw forbidden(`This requires the role ${operation.access}; ${user.name} has the role ${user.role}.`);
  if (operation.usersOnly && user.via === 'token')
    throw forbidden('API tokens cannot manage API tokens. Sign in as a user.');
  requireCluster(user, operation.ofCluster, values.cluster);
  await next();
};

function requireCluster(user: User, ofCluster: 'path' | 'target' | 'answer' | undefined, cluster = ''): void {
  if (user.cluster === undefined) return;
  // The handler finds out whose the target is, and leaves out of an answer what is not of the cluster.
  if (ofCluster === 'target' || ofCluster === 'answer') return;
  if (ofCluster !== 'path' || decoded(cluster) !== user.cluster) throw otherCluster(user);
}

export function otherCluster({ name, cluster }: User): Refusal {
  return forbidden(`The token ${name} is for the cluster ${cluster} alone.`);
}

/** As the handler reads it; empty if it is malformed, which is no cluster's name. */
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
