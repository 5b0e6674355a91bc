import type { ClusterFacts } from '../features/feature.ts';
import type { Host } from '../hosts/host.ts';
import { invalidLabel } from '../labels/label-problems.ts';
import type { LabelReader } from '../labels/label-reader.ts';
import type { RoutedService, ServiceContext } from '../parse-service.ts';
import { type Route, routeNames, type Tls } from '../route.ts';
import { acmeLabels } from '../route-labels/acme.ts';
import type { ReadSecrets } from '../secrets/encrypted-secrets.ts';
import { judgeServer } from '../secrets/judge-secrets.ts';
import { isStapled } from '../secrets/material.ts';
import { textOf } from '../secrets/verdict.ts';
import type { StoredCertificate } from './certificates.ts';
import { obstacle } from './hosts.ts';
import type { Issuer } from './issuers.ts';

type Context = Pick<ServiceContext, 'acme' | 'material'> & {
  readonly cluster: ClusterFacts | undefined;
  /** The secrets that the proxies can decrypt; undefined if Swarm mounts secrets. */
  readonly read: ReadSecrets | undefined;
};

/** One route for each certificate, one for the hosts that have none yet, and one for those that cannot have one. */
export function withCertificates(
  routed: RoutedService,
  issuer: Issuer,
  reader: LabelReader,
  context: Context,
): RoutedService[] {
  const { route } = routed;
  const { tls } = route;
  if (tls.kind !== 'terminated') return [routed];
  const { acme } = context;
  const thumbprint = acme.thumbprintOf(issuer);
  const order = { issuer: issuer.name, ...(thumbprint === undefined ? {} : { thumbprint }) };
  const others = routed.secrets.filter((name) => name !== '');
  const [able, unable] = [false, true].map((isUnable) =>
    route.hosts.filter((host) => (obstacle(host, issuer) !== undefined) === isUnable),
  ) as [Host[], Host[]];
  const chosen = able.map((host) => ({ host, ...choose(acme.certificatesFor(host, issuer), reader, context) }));
  const bySecret = Map.groupBy(chosen, ({ serving, unread }) => `${serving ?? ''} ${unread ?? ''}`);
  const parts = [...bySecret.values()].map((same): RoutedService => {
    const [{ serving: certificate, unread }] = same as [(typeof same)[0]];
    const hosts = same.map(({ host }) => host);
    const secrets = [certificate ?? [], unread ?? [], others].flat();
    if (certificate !== undefined) {
      const serving = {
        certificate,
        key: certificate,
        isStapled: isStapled(certificate, certificate, context.material),
      };
      const served: Route = { ...route, hosts, tls: { ...tls, ...serving }, acme: order };
      return { ...routed, route: served, secrets };
    }
    const pending: Route = { ...shut(route, hosts), acme: { ...order, isPending: true } };
    // The proxies join the network while the secret is read for them.
    if (unread !== undefined) return { ...routed, route: pending, secrets };
    return { ...routed, route: pending, secrets, networkId: undefined, isClosed: true };
  });
  if (unable.length > 0)
    parts.push({ ...routed, ...withoutCertificate(route, unable, issuer, reader), secrets: others });
  return parts.map((part, position) => ({
    ...part,
    route: { ...part.route, isDefault: route.isDefault && position === 0 },
  }));
}

export function shut(route: Route, hosts: readonly Host[]): Route {
  return { ...route, hosts, isDefault: false, tls: { kind: 'closed' }, backend: { kind: 'unavailable' } };
}

/** A label requires certificates, so hosts that cannot have one are closed. The default of a cluster does not. */
function withoutCertificate(
  route: Route,
  hosts: readonly Host[],
  issuer: Issuer,
  reader: LabelReader,
): Partial<RoutedService> & Pick<RoutedService, 'route'> {
  const { tls } = route;
  const isRequired = reader.has('acme') || (tls.kind === 'terminated' && tls.clientCa !== '');
  if (!isRequired) return { route: { ...route, hosts, tls: withoutTls(tls) } };
  const reason = `cannot be used: ${obstacle(hosts[0]!, issuer)}`;
  const remedy = 'Set it on a group of labels with other hosts.';
  const routes = routeNames({ hosts, isDefault: false, path: route.path });
  reader.noteShared(acmeLabels.acme, invalidLabel(reason, remedy), routes);
  return { route: shut(route, hosts), networkId: undefined, isClosed: true };
}

export function withoutTls(tls: Tls): Tls {
  const hsts = tls.kind === 'terminated' ? tls.hsts : '';
  return { kind: 'none', ...(hsts === '' ? {} : { hsts }) };
}

/**
 * The newest certificate that the proxies accept. One that no job has read for them yet would fail every handshake, so its predecessor serves until
 * then. It is attached, so that the job reads it.
 */
function choose(
  stored: readonly StoredCertificate[],
  reader: LabelReader,
  { read, material }: Pick<Context, 'read' | 'material'>,
): { readonly serving: string | undefined; readonly unread: string | undefined } {
  let unread: string | undefined;
  for (const { id, secret } of stored) {
    const errors = judgeServer(secret, secret, material).filter(({ severity }) => severity === 'error');
    for (const verdict of errors) reader.noteShared(acmeLabels.acme, textOf(verdict));
    if (errors.length > 0) continue;
    if (read === undefined || read.has(id)) return { serving: secret, unread };
    unread ??= secret;
  }
  return { serving: undefined, unread };
}
