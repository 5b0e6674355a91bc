import type { LabelName } from '../labels/labels.ts';
import type { Problem } from '../problem.ts';
import type { Route } from '../route.ts';
import type { Upstream } from '../upstream.ts';
import { disagreement } from './disagreements.ts';
import type { HostTls } from './table.ts';
import { addUpstream } from './upstreams.ts';

/** A host has at most one certificate: the one of its oldest service with TLS. */
export function buildTls(
  owners: readonly Route[],
  host: string,
  passthroughs: Map<string, Upstream>,
  problems: Problem[],
): HostTls {
  const [first, ...others] = owners.filter(({ tls }) => tls.kind === 'terminated' || tls.kind === 'passthrough');
  if (!first) return owners.some(({ tls }) => tls.kind === 'closed') ? { kind: 'closed' } : withoutTls(owners);
  for (const other of others.filter(({ tls }) => JSON.stringify(tls) !== JSON.stringify(first.tls)))
    problems.push(disagreement(tlsLabel(first, other), first, other, host));
  const { tls } = first;
  if (tls.kind !== 'passthrough') return tls;
  // An encrypted connection cannot be answered with a page.
  const handedOn = owners.filter((owner) => owner.tls.kind === 'passthrough' && owner.maintenance === undefined);
  const upstream = addUpstream(handedOn, first.options, passthroughs);
  return upstream === undefined ? { kind: 'closed' } : { ...tls, upstream };
}

/** A balancer in front may end TLS: the HSTS setting of the oldest service then applies. */
function withoutTls(owners: readonly Route[]): HostTls {
  const asking = owners.find(({ tls }) => tls.kind === 'none' && tls.hsts)?.tls;
  return { kind: 'none', ...(asking?.kind === 'none' && asking.hsts ? { hsts: asking.hsts } : {}) };
}

function tlsLabel({ tls: a, labels }: Route, { tls: b, labels: own }: Route): LabelName {
  if (a.kind !== b.kind) return own?.deciding.tls ?? labels?.deciding.tls ?? 'ssl_passthrough';
  if (a.kind !== 'terminated' || b.kind !== 'terminated') return 'ssl_passthrough_proxy_protocol';
  if (a.certificate !== b.certificate) return 'ssl_cert';
  if (a.key !== b.key) return 'ssl_key';
  if (a.clientCa !== b.clientCa) return 'ssl_client_ca';
  if (a.clientCrl !== b.clientCrl) return 'ssl_client_crl';
  return a.protocols === b.protocols ? 'hsts' : 'ssl_protocols';
}
