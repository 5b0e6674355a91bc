import { hidesAddresses } from './cluster-facts.ts';
import type { Host } from './hosts/host.ts';
import type { RoutedService } from './parse-service.ts';
import { type Problem, shownValue } from './problem.ts';
import { compareOwners, labelName, type Route, routeNames } from './route.ts';
import { isAddress, type Material, uncoveredHosts } from './secrets/material.ts';
import type { Cluster } from './settings/clusters.ts';
import type { SwarmNetwork } from './snapshot.ts';

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
      severity: 'warning',
      cluster: name,
      label,
      value: shownValue(network),
      reason: `network ${shownValue(network)} does not exist`,
      remedy: remedy(network),
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
        severity: 'warning',
        label: labelName('maintenance_allow', route.labels),
        reason: `the ingress mesh hides client addresses from the proxies of cluster ${name}, so allow lists have no effect`,
        remedy: `Set Extensions.${name}.PublishMode = "host", or ProxyProtocolFrom or TrustedProxies if a balancer sends the addresses.`,
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
        severity: 'notice',
        label: labelName('hosts', route.labels),
        reason: `clients send no host name (SNI) for IP addresses, so the proxies of cluster ${name} present the default certificate to them`,
        remedy: `Set Extensions.${name}.DefaultCertificate to a secret with a certificate for the address, or set default_backend on the service.`,
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
    severity: 'error',
    label: labelName('network', route.labels),
    reason: `network ${network} is not in Extensions.${name}.Networks, so the proxies do not join it`,
    remedy: `Add it to Extensions.${name}.Networks, or attach the service to one of the networks there.`,
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
      severity: 'error',
      label: labelName('service_cluster', route.labels),
      value: name,
      reason,
      remedy: `Name one of: ${names}.`,
    }),
  );
}

function sharedProblem(
  route: Route,
  cluster: string | undefined,
  { severity, ...problem }: Omit<Problem, 'service' | 'cluster' | 'affects'> & { readonly label: string },
): Problem {
  const { name: service } = route.service;
  const affects = [{ service, label: problem.label, routes: routeNames(route) }];
  return { severity, service, ...(cluster === undefined ? {} : { cluster }), ...problem, affects };
}
