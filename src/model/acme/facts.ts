import { memoizeLast } from '../../lib/memo.ts';
import { type Host, wildcardAbove } from '../hosts/host.ts';
import type { StoredObject } from '../snapshot.ts';
import { accountOf, type StoredCertificate, storedCertificates } from './certificates.ts';
import type { Issuer, Issuers } from './issuers.ts';

/** What parsing labels needs to know of issuers and their certificates. */
export interface AcmeFacts {
  readonly issuers: Issuers;
  /** Of the account key, which answers challenges over HTTP. Undefined for other challenges, and before there is a key. */
  readonly thumbprintOf: (issuer: Issuer) => string | undefined;
  /** Certificates for a host, the best first: those of its issuer, then others, the newest of each first. */
  readonly certificatesFor: (host: Host, issuer: Issuer) => readonly StoredCertificate[];
}

export const noAcme: AcmeFacts = {
  issuers: new Map(),
  thumbprintOf: () => undefined,
  certificatesFor: () => [],
};

/** Returns the same object for the same settings and secrets. */
export function createAcmeFacts(): (issuers: Issuers, secrets: readonly StoredObject[]) => AcmeFacts {
  return memoizeLast((issuers, secrets) => {
    const byName = Map.groupBy(
      storedCertificates(secrets).flatMap((stored) => stored.names.map((name) => ({ name, stored }))),
      ({ name }) => name,
    );
    const named = (name: string) => (byName.get(name) ?? []).map(({ stored }) => stored);
    return {
      issuers,
      thumbprintOf: (issuer) => (issuer.Challenge === 'http-01' ? accountOf(issuer, secrets)?.thumbprint : undefined),
      certificatesFor: (host, issuer) => {
        const name = certifiedName(host, issuer);
        const all = [...new Set([...named(name), ...named(host.name), ...named(wildcardAbove(host))])];
        return all.toSorted((a, b) => Number(b.issuer === issuer.name) - Number(a.issuer === issuer.name));
      },
    };
  });
}

/** The name that the certificate for a host is ordered for: its own, or the issuer's wildcard that covers it. */
export function certifiedName(host: Host, { Wildcards }: Pick<Issuer, 'Wildcards'>): string {
  const wildcard = wildcardAbove(host);
  return Wildcards.includes(wildcard) ? wildcard : host.name;
}
