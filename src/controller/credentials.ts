import { sign, verify, X509Certificate } from 'node:crypto';
import { digest } from '../lib/digest.ts';
import { caLabel, clusterLabel, expiresLabel, publicKeyLabel, roleLabel } from '../model/names.ts';
import type { OwnedRole } from '../model/snapshot.ts';
import { type Authority, expiry, fingerprint, issueIdentity } from '../protocol/certificates.ts';
import { generateKeyPair } from '../protocol/encryption.ts';
import { extensionName, proxyName, readerName } from '../protocol/names.ts';
import type { Credentials } from './ports.ts';
import { RENEWAL_MS } from './renewed-identity.ts';

const NAMES = { extension: extensionName, proxy: proxyName, reader: readerName } as const;

/** Issues the identities of extensions and agents. An existing one in the swarm is kept if it is of the same CA and does not expire soon. */
export function createCredentials(authority: Authority, now: () => number): Credentials {
  const ca = fingerprint(authority.ca);
  return {
    sign: (text) => sign('sha256', Buffer.from(text), authority.caKey).toString('base64'),
    isSigned: (text, signature) =>
      verify(
        'sha256',
        Buffer.from(text),
        new X509Certificate(authority.ca).publicKey,
        Buffer.from(signature, 'base64'),
      ),
    find(role: OwnedRole, cluster, existing) {
      const [newest] = existing
        // Identities from before proxies had any carry no role label, but have the name of a new one.
        .filter(({ labels }) => labels[clusterLabel] === cluster && (labels[roleLabel] ?? 'extension') === role)
        .filter(({ labels }) => labels[caLabel] === ca && Date.parse(labels[expiresLabel] ?? '') - now() > RENEWAL_MS)
        // Earlier releases made none with a key.
        .filter(({ labels }) => role !== 'proxy' || labels[publicKeyLabel] !== undefined)
        .toSorted((a, b) => (a.createdAt < b.createdAt ? 1 : -1));
      if (newest) return { id: newest.id, name: newest.name, publicKey: newest.labels[publicKeyLabel] };
      // Named by CA and month, so that two controllers choose the same name and only one of them creates the secret.
      const month = new Date(now()).toISOString().slice(0, 7);
      // Swarm allows 64 characters; a cluster's name takes up to 31 of them.
      return {
        id: undefined,
        name: `signalbox.${role}.${cluster}.${digest(`${ca} ${month}${role === 'proxy' ? ' with key' : ''}`).slice(0, 12)}`,
        publicKey: undefined,
      };
    },
    async issue(role, cluster, name) {
      const identity = await issueIdentity(authority, NAMES[role](cluster), now());
      const keys = role === 'proxy' ? await generateKeyPair() : undefined;
      return {
        name,
        labels: {
          [roleLabel]: role,
          [clusterLabel]: cluster,
          [caLabel]: ca,
          [expiresLabel]: expiry(identity.cert).toISOString(),
          ...(keys ? { [publicKeyLabel]: keys.publicKey } : {}),
        },
        data: JSON.stringify({ ...identity, ...(keys ? { secretsKey: keys.privateKey } : {}) }),
      };
    },
  };
}
