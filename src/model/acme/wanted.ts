import { compareText, type Route } from '../route.ts';
import { certifiedName } from './facts.ts';
import { issuerNamed } from './internal.ts';
import type { Issuer, Issuers } from './issuers.ts';

/** A certificate that routes ask for. */
export interface WantedCertificate {
  /** The host, or the wildcard that covers it. */
  readonly name: string;
  readonly issuer: Issuer;
  /** Hosts that it is for, sorted. */
  readonly hosts: readonly string[];
  /** Services that own them, sorted. */
  readonly services: readonly string[];
}

/** One certificate for each host: a name that fails must not delay others. The oldest service of a host decides. */
export function wantedCertificates(routes: readonly Route[], issuers: Issuers): WantedCertificate[] {
  const byName = new Map<string, { issuer: Issuer; hosts: Set<string>; services: Set<string> }>();
  for (const { acme, hosts, service } of routes) {
    const issuer = acme && issuerNamed(acme.issuer, issuers);
    if (issuer === undefined) continue;
    for (const host of hosts) {
      const name = certifiedName(host, issuer);
      const wanted = byName.get(name) ?? { issuer, hosts: new Set(), services: new Set() };
      wanted.hosts.add(host.name);
      wanted.services.add(service.name);
      byName.set(name, wanted);
    }
  }
  return [...byName]
    .map(([name, { issuer, hosts, services }]) => ({
      name,
      issuer,
      hosts: [...hosts].toSorted(),
      services: [...services].toSorted(),
    }))
    .toSorted((a, b) => compareText(a.name, b.name));
}
