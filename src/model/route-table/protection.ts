import { lacksVerification } from '../features/backend-ca.ts';
import { featureConflicts, lackedProtection } from '../features/features.ts';
import type { LabelName } from '../labels/labels.ts';
import type { Problem } from '../problem.ts';
import { problemKind } from '../problem-kind.ts';
import type { Route } from '../route.ts';
import { keepsProtocols } from '../route-labels/tls-protocols.ts';
import { shared } from './disagreements.ts';
import type { HostTls } from './table.ts';

export const protectionMissing = problemKind({
  id: 'protection-missing',
  severity: 'error',
  meaning: `A service shares a host and path with an older service, and requires protection that the older one does not have. It would be reachable without it, so it receives no requests.`,
  reason: (label: string, service: string) =>
    `${label} of ${service} requires protection that an older service on the same hosts does not have, so ${service} is ignored`,
  remedy: 'Set the same protective labels on both services, or choose another host.',
  example: ['basic_auth', 'shop_admin'],
  at: 'com.docker.lb.basic_auth',
});

/**
 * The protection that a route requires but does not get, because an older one decides for the host or the path. Such a route is left out: its owner
 * ruled out answers without protection.
 */
export function lacking({ tls, options }: Route, oldest: Route, hostTls: HostTls): LabelName | undefined {
  if (lacksVerification(options, oldest.options)) return 'ssl_backend_ca';
  const [feature] = lackedProtection(options, oldest.options);
  if (feature !== undefined) return featureConflicts[feature];
  if (tls.kind !== 'terminated') return undefined;
  const allowed = hostTls.kind === 'terminated' ? hostTls.protocols : undefined;
  if (!keepsProtocols(tls.protocols ?? '', allowed ?? '')) return 'ssl_protocols';
  if (options.clientCertificate !== 'required') return undefined;
  const isAsked = hostTls.kind === 'terminated' && hostTls.clientCa === tls.clientCa;
  if (!isAsked || oldest.options.clientCertificate !== 'required') return 'ssl_client_ca';
  return tls.clientCrl === undefined || hostTls.clientCrl === tls.clientCrl ? undefined : 'ssl_client_crl';
}

export function unprotected(label: LabelName, route: Route, host: string): Problem {
  const { service } = route;
  return shared(label, route, host, protectionMissing(label, service.name));
}
