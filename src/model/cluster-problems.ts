import { hidesAddresses } from './cluster-facts.ts';
import type { Host } from './hosts/host.ts';
import type { RoutedService } from './parse-service.ts';
import { type Problem, shownValue } from './problem.ts';
import { asGiven, problemKind } from './problem-kind.ts';
import { compareOwners, labelName, type Route, routeNames } from './route.ts';
import { isAddress, type Material, uncoveredHosts } from './secrets/material.ts';
import type { Cluster } from './settings/clusters.ts';
import type { SwarmNetwork } from './snapshot.ts';

export const networkMissing = problemKind({
  id: 'network-missing',
  severity: 'warning',
  meaning: `A network in the settings does not exist. The proxies join it as soon as it does.`,
  reason: (network: string, _remedy: string) => `network ${network} does not exist`,
  remedy: (_, remedy) => remedy,
  example: ['apps', 'Create it: docker network create --driver overlay apps'],
  at: 'Extensions.default.Networks "apps"',
});

export const addressesHidden = problemKind({
  id: 'client-addresses-hidden',
  severity: 'warning',
  meaning: `Docker's routing mesh replaces the addresses of clients, so lists of addresses cannot be checked. See [client-addresses.md](guides/client-addresses.md).`,
  reason: (cluster: string) =>
    `the ingress mesh hides client addresses from the proxies of cluster ${cluster}, so allow lists have no effect`,
  remedy: (cluster) =>
    `Set Extensions.${cluster}.PublishMode = "host", or ProxyProtocolFrom or TrustedProxies if a balancer sends the addresses.`,
  example: ['default'],
  at: 'com.docker.lb.maintenance_allow',
});

export const addressWithoutCertificate = problemKind({
  id: 'address-without-certificate',
  severity: 'notice',
  meaning: `A host is an IP address. Clients that connect to an address send no host name, so the proxies cannot choose its certificate.`,
  reason: (cluster: string) =>
    `clients send no host name (SNI) for IP addresses, so the proxies of cluster ${cluster} present the default certificate to them`,
  remedy: (cluster) =>
    `Set Extensions.${cluster}.DefaultCertificate to a secret with a certificate for the address, or set default_backend on the service.`,
  example: ['default'],
  at: 'com.docker.lb.hosts "192.0.2.7"',
});

export const networkNotListed = problemKind({
  id: 'network-not-listed',
  severity: 'error',
  meaning: `The settings list the networks that the proxies may join, and the network of the service is not one of them. Its routes answer 503.`,
  reason: (network: string, cluster: string) =>
    `network ${network} is not in Extensions.${cluster}.Networks, so the proxies do not join it`,
  remedy: (_network, cluster) =>
    `Add it to Extensions.${cluster}.Networks, or attach the service to one of the networks there.`,
  example: ['shop_default', 'default'],
  at: 'com.docker.lb.network',
});

export const clusterUnknown = problemKind({
  id: 'cluster-unknown',
  severity: 'error',
  meaning: `A service names a service cluster that the settings do not have. No proxies serve it.`,
  ...asGiven,
  example: ['service cluster east does not exist', 'Name one of: the default cluster, west.'],
  at: 'com.docker.lb.service_cluster "east"',
});

/** Joined as soon as the network exists. */
export function missingNetworks({ name, settings }: Cluster, networks: ReadonlyMap<string, SwarmNetwork>): Problem[] {
  const present = new Set([...networks.values()].map((network) => network.name));
  const label = `Extensions.${name}.Networks`;
  const remedy = (network: string) => {
    const similar = [...present].find((other) => other.toLowerCase() === network.toLowerCase());
    return similar
      ? `Did you mean ${similar}?`
      : `Create it: docker network create --driver overlay ${shownValue(network)}`;
  };
  return (settings.Networks ?? [])
    .filter((network) => !present.has(network))
    .map((network) => ({
      ...networkMissing(shownValue(network), remedy(network)),
      cluster: name,
      label,
      value: shownValue(network),
      affects: [{ label, routes: [] }],
    }));
}

/** Allow lists, if the proxies see only addresses of the routing mesh. */
export function hiddenAddresses(routes: readonly Route[], cluster: Cluster): Problem[] {
  const { name } = cluster;
  if (!hidesAddresses(cluster)) return [];
  return routes
    .filter(({ maintenance }) => (maintenance?.allow.length ?? 0) > 0)
    .map((route) =>
      sharedProblem(route, name, {
        ...addressesHidden(name),
        label: labelName('maintenance_allow', route.labels),
      }),
    );
}

/**
 * A client that connects to an address sends no host name (SNI), so nginx presents the certificate of the default server. Nothing is reported if
 * that one is known to cover the address.
 */
export function addressesWithoutCertificate(
  routes: readonly Route[],
  { name }: Cluster,
  defaultCertificate: string,
  material: Material,
): Problem[] {
  const presented = presentedByDefault(routes) || defaultCertificate;
  const isCovered = (host: Host) =>
    presented !== '' && material.facts.has(presented) && uncoveredHosts(presented, [host], material).length === 0;
  return routes
    .filter(({ tls }) => tls.kind === 'terminated')
    .map((route) => ({
      ...route,
      isDefault: false,
      hosts: route.hosts.filter((host) => isAddress(host) && !isCovered(host)),
    }))
    .filter(({ hosts }) => hosts.length > 0)
    .map((route) =>
      sharedProblem(route, name, {
        ...addressWithoutCertificate(name),
        label: labelName('hosts', route.labels),
      }),
    );
}

/** The certificate of the default backend; the oldest service decides. */
function presentedByDefault(routes: readonly Route[]): string {
  const [oldest] = routes
    .filter(({ isDefault, tls }) => isDefault && (tls.kind === 'terminated' || tls.kind === 'passthrough'))
    .toSorted((a, b) => compareOwners(a.service, b.service));
  return oldest?.tls.kind === 'terminated' ? oldest.tls.certificate : '';
}

export function outsideWhitelist(route: Route, network: string, { name }: Cluster): Problem {
  return sharedProblem(route, name, {
    ...networkNotListed(network, name),
    label: labelName('network', route.labels),
  });
}

export function unknownCluster(name: string, routed: readonly RoutedService[], known: ReadonlySet<string>): Problem[] {
  const names = [...known]
    .map((cluster) => cluster || 'the default cluster')
    .toSorted()
    .join(', ');
  const reason = name === '' ? 'the default service cluster does not exist' : `service cluster ${name} does not exist`;
  return routed.map(({ route }) =>
    sharedProblem(route, undefined, {
      ...clusterUnknown(reason, `Name one of: ${names}.`),
      label: labelName('service_cluster', route.labels),
      value: name,
    }),
  );
}

function sharedProblem(
  route: Route,
  cluster: string | undefined,
  problem: Omit<Problem, 'service' | 'cluster' | 'affects'> & { readonly label: string },
): Problem {
  const { name: service } = route.service;
  const affects = [{ service, label: problem.label, routes: routeNames(route) }];
  return { service, ...(cluster === undefined ? {} : { cluster }), ...problem, affects };
}
