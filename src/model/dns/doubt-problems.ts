import { type Problem, shownValue } from '../problem.ts';
import type { SwarmNetwork } from '../snapshot.ts';
import { type DoubtKind, isInSubnets, type NameDoubt } from './name-doubts.ts';

const UPDATE_DOCKER =
  "Update Docker on the proxies' nodes: 29.0 to 29.6.2 have this bug (moby issue 53141). The warning disappears once the names resolve again.";

/** Omits the service and label: the name belongs to the service, but the fault does not. */
export function doubtProblem(
  { name, kind, address }: NameDoubt,
  service: string,
  cluster: string,
  networks: Iterable<SwarmNetwork>,
): Problem {
  const about = { severity: 'warning', service, cluster, value: shownValue(name) } as const;
  const instead = `the proxies of cluster ${cluster} use the addresses of its tasks instead`;
  if (kind === 'missing')
    return {
      ...about,
      reason: `is unknown to Docker's DNS although tasks are running, which is a Docker Engine bug; ${instead}`,
      remedy: UPDATE_DOCKER,
    };
  if (kind === 'silent')
    return {
      ...about,
      reason: `gets no answer from Docker's DNS in a proxy; ${instead}`,
      remedy: "Check Docker Engine on the proxies' nodes. The warning disappears once the names resolve again.",
    };
  const other = [...networks].find(({ subnets = [] }) => address !== undefined && isInSubnets(address, subnets));
  const where = other === undefined ? 'another network of the proxies' : `network ${other.name}`;
  return {
    ...about,
    reason: `resolves in Docker's DNS to an address outside its network: a container on ${where} has this name as an alias; ${instead}`,
    remedy:
      `Remove the container${address === undefined ? '' : ` with the address ${address}`} from ${where}, ` +
      'or create the network without --attachable.',
  };
}

export function allDoubtProblem(kind: DoubtKind, cluster: string): Problem {
  const cause = kind === 'silent' ? 'does not answer in a proxy' : 'does not resolve the names of many services';
  return {
    severity: 'warning',
    cluster,
    reason: `Docker's DNS ${cause}; the proxies of cluster ${cluster} use the addresses of tasks for all services instead`,
    remedy: UPDATE_DOCKER,
  };
}
