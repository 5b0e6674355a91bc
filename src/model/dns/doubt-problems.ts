import { type Problem, shownValue } from '../problem.ts';
import { asGiven, problemKind } from '../problem-kind.ts';
import type { SwarmNetwork } from '../snapshot.ts';
import { type DoubtKind, isInSubnets, type NameDoubt } from './name-doubts.ts';

export const nameUnresolved = problemKind({
  id: 'dns-name-unresolved',
  severity: 'warning',
  meaning: `Docker's DNS does not resolve the name of a service in a proxy. The proxies use the addresses of its tasks instead, which the controller sends them: a little later than DNS would.`,
  ...asGiven,
  example: [
    "gets no answer from Docker's DNS in a proxy; the proxies of cluster default use the addresses of its tasks instead",
    "Check Docker Engine on the proxies' nodes.",
  ],
  at: '"tasks.shop_web"',
});

export const nameMisled = problemKind({
  id: 'dns-name-misled',
  severity: 'warning',
  meaning: `Docker's DNS resolves the name of a service to a container that does not belong to it. The proxies use the addresses of the service's tasks instead.`,
  ...asGiven,
  example: [
    "resolves in Docker's DNS to an address outside its network: a container on network apps has this name as an alias",
    'Remove the container from network apps, or create the network without --attachable.',
  ],
  at: '"tasks.shop_web"',
});

const UPDATE_DOCKER =
  "Update Docker on the proxies' nodes: 29.0 to 29.6.2 have this bug (moby issue 53141). The warning disappears once the names resolve again.";

/** Omits the service and label: the name belongs to the service, but the fault does not. */
export function doubtProblem(
  { name, kind, address }: NameDoubt,
  service: string,
  cluster: string,
  networks: Iterable<SwarmNetwork>,
): Problem {
  const about = { service, cluster, value: shownValue(name) } as const;
  const instead = `the proxies of cluster ${cluster} use the addresses of its tasks instead`;
  if (kind === 'missing')
    return {
      ...nameUnresolved(
        `is unknown to Docker's DNS although tasks are running, which is a Docker Engine bug; ${instead}`,
        UPDATE_DOCKER,
      ),
      ...about,
    };
  if (kind === 'silent')
    return {
      ...nameUnresolved(
        `gets no answer from Docker's DNS in a proxy; ${instead}`,
        "Check Docker Engine on the proxies' nodes. The warning disappears once the names resolve again.",
      ),
      ...about,
    };
  const other = [...networks].find(({ subnets = [] }) => address !== undefined && isInSubnets(address, subnets));
  const where = other === undefined ? 'another network of the proxies' : `network ${other.name}`;
  return {
    ...nameMisled(
      `resolves in Docker's DNS to an address outside its network: a container on ${where} has this name as an alias; ${instead}`,
      `Remove the container${address === undefined ? '' : ` with the address ${address}`} from ${where}, or create the network without --attachable.`,
    ),
    ...about,
  };
}

export function allDoubtProblem(kind: DoubtKind, cluster: string): Problem {
  const cause = kind === 'silent' ? 'does not answer in a proxy' : 'does not resolve the names of many services';
  return {
    ...nameUnresolved(
      `Docker's DNS ${cause}; the proxies of cluster ${cluster} use the addresses of tasks for all services instead`,
      UPDATE_DOCKER,
    ),
    cluster,
  };
}
