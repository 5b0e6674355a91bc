import type { Host } from '../hosts/host.ts';
import { isAddress } from '../secrets/material.ts';
import { isInternal, issuerNamed } from './internal.ts';
import type { Issuer, Issuers } from './issuers.ts';

/** The issuer that a value means: `true` is the only one. */
export function issuerOf(value: string, issuers: Issuers): Issuer | undefined {
  if (value !== 'true') return issuerNamed(value, issuers);
  return issuers.size === 1 ? [...issuers.values()][0] : undefined;
}

/** Why no CA issues a certificate for a host through this issuer; undefined if it does. */
export function obstacle(host: Host, { Challenge, name }: Pick<Issuer, 'Challenge' | 'name'>): string | undefined {
  if (host.kind === 'regex') return 'CAs issue no certificates for regular expressions';
  if (isAddress(host)) return 'certificates are issued for names, not for addresses';
  if (isInternal({ name })) return undefined;
  if (!host.name.includes('.')) return 'CAs issue certificates for domain names only';
  if (host.kind === 'wildcard' && Challenge !== 'dns-01')
    return `wildcards require Challenge = "dns-01", and issuer ${name} uses ${Challenge}`;
  return undefined;
}
