import { digest } from '../../lib/digest.ts';
import type { Logger } from '../../lib/logger.ts';
import { accountLabels, accountName, accountOf } from '../../model/acme/certificates.ts';
import type { Issuers } from '../../model/acme/issuers.ts';
import { desiredAcmeService } from '../../model/acme/service.ts';
import { caLabel, controlNetwork, expiresLabel, roleLabel } from '../../model/names.ts';
import type { Snapshot, StoredObject } from '../../model/snapshot.ts';
import { createAccountKey } from '../../protocol/acme-account.ts';
import { type Authority, expiry, fingerprint, issueIdentity } from '../../protocol/certificates.ts';
import { acmeName } from '../../protocol/names.ts';
import { ConflictError, type Swarm } from '../ports.ts';
import { RENEWAL_MS } from '../renewed-identity.ts';
import type { AcmeServiceStore } from './ports.ts';

export interface SetupParts {
  readonly swarm: Pick<Swarm, 'createSecret'>;
  readonly services: AcmeServiceStore;
  readonly authority: Authority;
  readonly issuers: Issuers;
  /** Image of the service. */
  readonly image: string;
  readonly logger: Logger;
  readonly now: () => number;
}

type Seen = Pick<Snapshot, 'secrets' | 'networks' | 'nodes'>;

/**
 * Creates what orders require: account keys, the identity of the service, and the service. Resolves to false if
 * something was created that the next snapshot shows. Safe to repeat.
 */
export async function setUp(used: ReadonlySet<string>, seen: Seen, parts: SetupParts): Promise<boolean> {
  const { issuers, services, image } = parts;
  const networkId = seen.networks.find(({ name }) => name === controlNetwork)?.id;
  if (networkId === undefined) return false;
  const inUse = new Map([...issuers].filter(([name]) => used.has(name)));
  const isNew = await Promise.all([createAccounts(inUse, seen.secrets, parts), createIdentity(seen.secrets, parts)]);
  const identity = identityIn(seen.secrets, parts);
  if (isNew.some(Boolean) || identity === undefined) return false;
  const attached = { image, networkId, identity: { id: identity.id, name: identity.name } };
  await services.ensure(desiredAcmeService(inUse, seen.secrets, seen.nodes, attached));
  return true;
}

async function createAccounts(issuers: Issuers, secrets: readonly StoredObject[], parts: SetupParts): Promise<boolean> {
  const missing = [...issuers.values()].filter((issuer) => accountOf(issuer, secrets) === undefined);
  for (const issuer of missing) {
    const { key, thumbprint } = createAccountKey();
    const name = accountName(issuer);
    const labels = accountLabels({ issuer: issuer.name, directory: issuer.Directory, thumbprint });
    await createOnce(parts, { name, labels, data: key });
  }
  return missing.length > 0;
}

const IDENTITY_ROLE = 'acme-identity';

function identityIn(secrets: readonly StoredObject[], { authority, now }: SetupParts): StoredObject | undefined {
  const ca = fingerprint(authority.ca);
  return secrets
    .filter(({ labels }) => labels[roleLabel] === IDENTITY_ROLE && labels[caLabel] === ca)
    .filter(({ labels }) => Date.parse(labels[expiresLabel] ?? '') - now() > RENEWAL_MS)
    .toSorted((a, b) => (a.createdAt < b.createdAt ? 1 : -1))[0];
}

/** Named by CA and month, as the identities of extensions. */
async function createIdentity(secrets: readonly StoredObject[], parts: SetupParts): Promise<boolean> {
  if (identityIn(secrets, parts) !== undefined) return false;
  const { authority, now } = parts;
  const ca = fingerprint(authority.ca);
  const identity = await issueIdentity(authority, acmeName, now());
  const month = new Date(now()).toISOString().slice(0, 7);
  await createOnce(parts, {
    name: `signalbox.acme-identity.${digest(`${ca} ${month}`).slice(0, 12)}`,
    labels: { [roleLabel]: IDENTITY_ROLE, [caLabel]: ca, [expiresLabel]: expiry(identity.cert).toISOString() },
    data: JSON.stringify(identity),
  });
  return true;
}

/** Another controller may have created it first. */
async function createOnce({ swarm, logger }: SetupParts, object: Parameters<Swarm['createSecret']>[0]): Promise<void> {
  try {
    await swarm.createSecret(object);
    logger.info({ secret: object.name }, 'Created secret');
  } catch (error) {
    if (!(error instanceof ConflictError)) throw error;
  }
}
