import { withoutTls } from './acme/routes.ts';
import { type Host, wildcardAbove } from './hosts/host.ts';
import type { RoutedService } from './parse-service.ts';
import type { Problem } from './problem.ts';
import { problemKind } from './problem-kind.ts';
import {
  compareOwners,
  type GivenValue,
  labelName,
  type Route,
  routeNames,
  type Terminated,
  type Tls,
} from './route.ts';
import type { Pair } from './secrets/last-good.ts';
import type { ListedCertificates } from './secrets/listed-certificates.ts';
import { isStapled, type Material } from './secrets/material.ts';
import type { Cluster } from './settings/clusters.ts';

export const certificateRequired = problemKind({
  id: 'certificate-required',
  severity: 'error',
  meaning: `Client certificates require TLS, and the hosts have no certificate. They are closed.`,
  reason: () => 'requires a certificate, and none of the setting Certificates is for its hosts',
  remedy: 'Name the secret with the certificate in ssl_cert.',
  example: [],
  at: 'com.docker.lb.ssl_client_ca "clients"',
});

export const certificateUnused = problemKind({
  id: 'certificate-unused',
  severity: 'notice',
  meaning: `The setting Certificates lists a secret whose certificate covers no host of the cluster.`,
  reason: (secret: string, cluster: string) =>
    `the certificate in secret ${secret} covers no host of cluster ${cluster}`,
  remedy: 'Remove it from the list, or check its names.',
  example: ['old.example.org.pem', 'default'],
});

/**
 * The setting `Certificates`: hosts for which no label brings a certificate get the closest one of the list that covers
 * them. All services of a host get the same, so that they do not contradict each other.
 */
export function giveCertificates(
  claiming: readonly RoutedService[],
  cluster: Cluster,
  listed: ListedCertificates,
  material: Material,
): { readonly routed: readonly RoutedService[]; readonly problems: readonly Problem[] } {
  if (cluster.settings.Certificates.length === 0) return { routed: claiming, problems: [] };
  const given = givenByHost(claiming, listed, material);
  const problems: Problem[] = [];
  const routed = claiming.flatMap((service) => {
    if (!isAwaiting(service.route.tls)) return [service];
    const divided = divide(service, (host) => given.get(keyOf(host)), cluster.name);
    if (!listed.isWaiting) problems.push(...withoutCertificate(service.route, divided, cluster.name));
    return divided;
  });
  return { routed, problems: [...problems, ...coveringNothing(claiming, cluster, listed, material)] };
}

/** Whether no label brings a certificate. With labels for TLS, the name of the certificate is empty. */
function isAwaiting(tls: Tls): boolean {
  return tls.kind === 'none' || (tls.kind === 'terminated' && tls.certificate === '');
}

function keyOf({ kind, name }: Host): string {
  return `${kind} ${name}`;
}

function givenByHost(
  claiming: readonly RoutedService[],
  listed: ListedCertificates,
  material: Material,
): ReadonlyMap<string, Terminated> {
  const awaiting = new Map<string, { readonly host: Host; readonly routes: Route[] }>();
  const decided = new Set<string>();
  for (const { route } of claiming)
    for (const host of route.hosts) {
      const key = keyOf(host);
      if (!isAwaiting(route.tls)) decided.add(key);
      else if (awaiting.has(key)) awaiting.get(key)!.routes.push(route);
      else awaiting.set(key, { host, routes: [route] });
    }
  const given = new Map<string, Terminated>();
  for (const [key, { host, routes }] of awaiting) {
    const pair = decided.has(key) ? undefined : listed.find(host);
    if (pair !== undefined) given.set(key, terminated(pair, routes, material));
  }
  return given;
}

/** What the oldest service that requests it decides for all. */
function terminated({ certificate, key }: Pair, routes: readonly Route[], material: Material): Terminated {
  const sorted = routes.length === 1 ? routes : routes.toSorted((a, b) => compareOwners(a.service, b.service));
  const wanting = sorted.flatMap(({ tls }) => (tls.kind === 'terminated' ? [tls] : []));
  const hsts = wanting[0]?.hsts ?? sorted.map(hstsOf).find((value) => value !== '') ?? '';
  const { clientCa = '', clientCrl, protocols } = wanting[0] ?? {};
  return {
    kind: 'terminated',
    certificate,
    key,
    isStapled: isStapled(certificate, key, material),
    hsts,
    clientCa,
    ...(clientCrl === undefined ? {} : { clientCrl }),
    ...(protocols === undefined ? {} : { protocols }),
  };
}

function hstsOf({ tls }: Route): string {
  return tls.kind === 'none' ? (tls.hsts ?? '') : '';
}

type TlsOf = (host: Host) => Terminated | undefined;

/** One route for each certificate, and one for the rest. Their peers are the same and counted once. */
function divide(service: RoutedService, tlsOf: TlsOf, cluster: string): readonly RoutedService[] {
  const routes = divideRoute(service.route, tlsOf, cluster);
  if (routes.length === 1 && routes[0] === service.route) return [service];
  return routes.map((route, position) => {
    const { tls } = route;
    const own = tls.kind === 'terminated' ? [tls.certificate, tls.key] : [];
    return {
      ...service,
      route,
      secrets: [...new Set([...service.secrets, ...own])],
      networkId: route.backend.kind === 'peers' ? service.networkId : undefined,
      ...(tls.kind === 'closed' ? { isClosed: true as const } : {}),
      peerCount: position === 0 ? service.peerCount : 0,
    };
  });
}

function divideRoute(route: Route, tlsOf: TlsOf, cluster: string): readonly Route[] {
  const certified = route.hosts.map((host) => ({ host, tls: ownTls(route.tls, tlsOf(host)) }));
  if (route.tls.kind === 'none' && certified.every(({ tls }) => tls === undefined)) return [route];
  const plan = JSON.stringify([cluster, certified]);
  const before = known.get(route);
  if (before?.plan === plan) return before.routes;
  const byTls = Map.groupBy(certified, ({ tls }) => JSON.stringify(tls));
  const routes = [...byTls.values()].flatMap((same) => {
    const [{ tls }] = same as [(typeof same)[0]];
    const hosts = same.map(({ host }) => host);
    return tls === undefined ? [] : [withCertificate(route, hosts, tls, cluster)];
  });
  const rest = certified.filter(({ tls }) => tls === undefined).map(({ host }) => host);
  const all = rest.length > 0 || route.isDefault ? [restOf(route, rest), ...routes] : routes;
  known.set(route, { plan, routes: all });
  return all;
}

/** Equal routes stay the same objects. */
const known = new WeakMap<Route, { readonly plan: string; readonly routes: readonly Route[] }>();

/** A service keeps what it requires of TLS: if another one decides otherwise, that is a conflict. */
function ownTls(own: Tls, given: Terminated | undefined): Terminated | undefined {
  if (given === undefined || own.kind !== 'terminated') return given;
  return { ...own, certificate: given.certificate, key: given.key, isStapled: given.isStapled };
}

/** Over HTTP only, unless the service requires client certificates. */
function restOf(route: Route, hosts: readonly Host[]): Route {
  const { tls } = route;
  if (tls.kind === 'none') return { ...route, hosts };
  if (tls.kind === 'terminated' && tls.clientCa === '') return { ...route, hosts, tls: withoutTls(tls) };
  return { ...route, hosts, tls: { kind: 'closed' }, backend: { kind: 'unavailable' } };
}

function withCertificate(route: Route, hosts: readonly Host[], tls: Terminated, cluster: string): Route {
  const { group = '', deciding = {}, given = [] } = route.labels ?? {};
  const from = `Extensions.${cluster}`;
  const value: GivenValue = { name: 'ssl_cert', value: tls.certificate, key: `${from}.Certificates`, from };
  return { ...route, hosts, isDefault: false, tls, labels: { group, deciding, given: [...given, value] } };
}

/** The label `ssl_client_ca` requires a certificate, so hosts without one are closed. */
function withoutCertificate(route: Route, parts: readonly RoutedService[], cluster: string): Problem[] {
  if (route.tls.kind !== 'terminated') return [];
  const closed = parts.find((part) => part.route.tls.kind === 'closed')?.route;
  if (closed === undefined) return [];
  const label = labelName('ssl_client_ca', route.labels);
  const { name: service } = route.service;
  return [
    {
      ...certificateRequired(),
      service,
      cluster,
      label,
      value: route.tls.clientCa,
      affects: [{ service, label, routes: routeNames(closed) }],
    },
  ];
}

/** Listed certificates that are good, but for other hosts than those of the cluster. */
function coveringNothing(
  claiming: readonly RoutedService[],
  { name, settings }: Cluster,
  listed: ListedCertificates,
  { facts }: Material,
): Problem[] {
  const all = claiming.flatMap(({ route }) => route.hosts);
  const hosts = new Set(all.map(({ name }) => name));
  const parents = new Set(all.map(wildcardAbove));
  const isUseful = (secret: string) =>
    facts
      .get(secret)
      ?.certificates.slice(0, 1)
      .some((leaf) => [...leaf.names, ...leaf.addresses].some((own) => hosts.has(own) || parents.has(own)));
  const label = `Extensions.${name}.Certificates`;
  return settings.Certificates.filter((secret) => listed.good.includes(secret) && !isUseful(secret)).map((secret) => ({
    ...certificateUnused(secret, name),
    cluster: name,
    label,
    value: secret,
    affects: [{ label, routes: [] }],
  }));
}
