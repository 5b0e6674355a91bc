import { digest } from '../../lib/digest.ts';
import { featuresUseDollar } from '../../model/features/features.ts';
import { LONG_NAME } from '../../model/hosts/host.ts';
import { hopByHopHeaders } from '../../model/proxy-headers.ts';
import type { RenderInput } from '../../model/render-input.ts';
import type { Terminated } from '../../model/route.ts';
import type { HostTls, RouteTable, VirtualServer } from '../../model/route-table/table.ts';
import { coversHost } from '../../model/secrets/material.ts';
import { quote } from '../quote.ts';
import { clientCaOf } from '../request-headers.ts';
import type { Views } from './cached.ts';
import type { Common } from './common.ts';
import { hasExpressions, locationsOf } from './table.ts';

/** Identifies the certificate, client CA and revocation list of a handshake. */
export function siteOf(tls: HostTls): string {
  if (tls.kind !== 'terminated') return '-';
  const { certificate, clientCa, clientCrl } = tls;
  return `${certificate} ${clientCa}${clientCrl === undefined ? '' : ` ${clientCrl}`}`;
}

/** The site of a handshake for an unknown name. */
export function fallbackSite({ defaultCertificate }: RenderInput, { fallbackTls }: RouteTable): string {
  return fallbackTls.kind === 'terminated' ? siteOf(fallbackTls) : `${defaultCertificate} `;
}

/**
 * The handshakes whose requests may reach a host: with its own certificate and client CA, or with the default certificate, unless that is known to be
 * for other names.
 */
export function acceptedSites(
  { host, tls }: Pick<VirtualServer, 'host' | 'tls'>,
  fallback: string,
  names: Common['defaultNames'],
): string {
  const own = siteOf(tls);
  const asksNobody = clientCaOf(tls) === '' && fallback.endsWith(' ') && fallback !== ' ';
  const isCovered = names === undefined || coversHost(names, host);
  return asksNobody && isCovered && own !== fallback ? `${own}|${fallback}` : own;
}

export function toTlsView(tls: HostTls, secretsFolder: string, site = siteOf(tls)) {
  const material =
    tls.kind === 'terminated'
      ? {
          ...{ ...tls, secretsFolder, site, hidden: hopByHopHeaders },
          allowedProtocols: allowedProtocols(tls),
          crlId: tls.clientCrl === undefined ? undefined : digest(tls.clientCrl),
          isStapled: tls.isStapled && tls.clientCrl === undefined,
        }
      : undefined;
  return { material, site, isClosed: tls.kind === 'closed' };
}

/** For unknown names. Old nginx applies the versions of this server to all hosts, so only requests are checked. */
export function toFallbackTlsView(tls: HostTls, secretsFolder: string) {
  const { material, ...others } = toTlsView(tls, secretsFolder);
  return { ...others, material: material && { ...material, protocols: undefined } };
}

/** An expression for nginx's variable; undefined if all versions of the cluster are allowed. */
function allowedProtocols({ protocols }: Pick<Terminated, 'protocols'>): string | undefined {
  if (protocols === undefined) return undefined;
  const minors = protocols.split(' ').map((protocol) => protocol.at(-1));
  return `^TLSv1[.][${minors.join('')}]`;
}

/** Absent if TLS never ends in the proxies. */
export function toHandshakeView(input: RenderInput, table: RouteTable, views: Views) {
  // Only hosts with a TLS server: handshakes for other hosts use a wildcard's certificate or the default.
  const secure = table.servers.filter(({ tls }) => tls.kind === 'terminated' || tls.kind === 'closed');
  const { fallbackTls } = table;
  if (secure.length === 0 && fallbackTls.kind !== 'terminated' && input.defaultCertificate === '') return undefined;
  return {
    fallback: fallbackSite(input, table),
    hasExpressions: hasExpressions(table),
    dollar: locationsOf(table).some(({ options }) => featuresUseDollar(options)),
    longName: quote(LONG_NAME),
    hosts: secure.map(views.handshake),
  };
}
