import { digest } from '../lib/digest.ts';
import { caLabel, clusterLabel, expiresLabel, roleLabel } from '../model/names.ts';
import type { OwnedRole } from '../model/snapshot.ts';
import { type Authority, expiry, fingerprint, issueIdentity } from '../protocol/certificates.ts';
import { extensionName, proxyName } from '../protocol/names.ts';
import type { Credentials } from './ports.ts';
import { RENEWAL_MS } from './renewed-identity.ts';

const NAMES = { extension: extensionName, proxy: proxyName } as const;

/** Issues the identities of extensions and agents. An existing one in the swarm is kept if it is of the same CA and does not expire soon. */
export function createCredentials(authority: Authority, now: () => number): Credentials {
  const ca = fingerprint(authority.ca);
  return {
    find(role: OwnedRole, cluster, existing) {
      const [newest] = existing
        // Identities from before proxies had any carry no role label, but have the name of a new one.
        .filter(({ labels }) => labels[clusterLabel] === cluster && (labels[roleLabel] ?? 'extension') === role)
        .filter(({ labels }) => labels[caLabel] === ca && Date.parse(labels[expiresLabel] ?? '') - now() > RENEWAL_MS)
        .toSorted((a, b) => (a.createdAt < b.createdAt ? 1 : -1));
      if (newest) return { id: newest.id, name: newest.name };
      // Named by CA and month, so that two controllers choose the same name and only one of them creates the secret.
      const month = new Date(now()).toISOString().slice(0, 7);
      // Swarm allows 64 characters; a cluster's name takes up to 31 of them.
      return { id: undefined, name: `signalbox.${role}.${cluster}.${digest(`${ca} ${month}`).slice(0, 12)}` };
    },
    async issue(role, cluster, name) {
      const identity = await issueIdentity(authority, NAMES[role](cluster), now());
      return {
        name,
        labels: {
          [roleLabel]: role,
          [clusterLabel]: cluster,
          [caLabel]: ca,
          [expiresLabel]: expiry(identity.cert).toISOString(),
        },
        data: JSON.stringify(identity),
      };
    },
  };
}
