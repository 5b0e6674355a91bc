import { LABEL_PREFIX } from '../labels/label.ts';
import type { RoutedService } from '../parse-service.ts';
import type { Problem } from '../problem.ts';
import { problemKind } from '../problem-kind.ts';
import { needsNameRelay } from '../route.ts';
import type { Cluster } from '../settings/clusters.ts';
import type { SwarmNetwork } from '../snapshot.ts';
import { nameRelay } from './name-case.ts';

export const upperCaseName = problemKind({
  id: 'network-upper-case',
  severity: 'error',
  meaning: `nginx queries DNS in lower case, and Docker's DNS compares the names of networks with case. The service is closed.`,
  reason: (network: string, service: string, _remedy: string) =>
    `is a network with upper-case letters, ${network}, on which these proxies cannot resolve ${service}: nginx queries DNS in lower case, and Docker network names are case-sensitive`,
  remedy: (_network, _service, remedy) =>
    `Give the network a lower-case name ("name:" in a compose file), or ${remedy}.`,
  example: ['Apps', 'shop_web', 'set FollowTasks to addresses'],
  at: 'com.docker.lb.network "Apps"',
});

/** Whether the proxies reach a route only by a name whose case must be restored. */
export function isRelayed({ route: { backend } }: RoutedService): boolean {
  return backend.kind === 'peers' && needsNameRelay(backend.peers);
}

/** Undefined if a cluster's proxies run the relay (see name-case.ts); otherwise the remedy. */
export function withoutNameRelay({ name, settings }: Cluster): string | undefined {
  const { HitlessServiceUpdate, ProxyImage, TargetPort, TargetSSLPort } = settings;
  const table = `Extensions.${name}`;
  if (TargetPort === nameRelay.port) return `change ${table}.TargetPort from ${nameRelay.port}`;
  if (TargetSSLPort === nameRelay.port) return `change ${table}.TargetSSLPort from ${nameRelay.port}`;
  if (isOwnImage(ProxyImage)) return undefined;
  if (isNginxImage(ProxyImage)) return `use the proxy image of this release: remove ${table}.ProxyImage`;
  // An image with another name may be a copy of ours, whose agent this setting requires.
  return HitlessServiceUpdate ? undefined : `set ${table}.HitlessServiceUpdate = true`;
}

/** The image of this project, also from another registry: `registry.example.org/mirror/signalbox-proxy:1`. */
function isOwnImage(image: string): boolean {
  return /(^|[/_-])signalbox[/_-]proxy([:@]|$)/.test(image);
}

function isNginxImage(image: string): boolean {
  return /nginx[^/]*$/.test(image);
}

export function upperCaseNetwork(
  { route: { service }, networkId }: RoutedService,
  cluster: string,
  networks: ReadonlyMap<string, SwarmNetwork>,
  remedy: string,
): Problem {
  const value = networks.get(networkId ?? '')?.name ?? '';
  return {
    ...upperCaseName(value, service.name, remedy),
    service: service.name,
    cluster,
    label: `${LABEL_PREFIX}network`,
    value,
  };
}
