import type { Host } from '../hosts/host.ts';
import type { ReadSecrets } from './encrypted-secrets.ts';
import { type CertificateFacts, isForProxies, type SecretFacts } from './secret-facts.ts';

/** Facts about secrets, by name, and the time at which certificates are judged. */
export interface Material {
  readonly facts: ReadonlyMap<string, SecretFacts>;
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** Facts by service cluster, if they differ: a proxy's report counts for its own cluster only. */
  readonly byCluster?: ReadonlyMap<string, Material['facts']>;
  /** What jobs have read for the proxies, by service cluster and ID of the secret. */
  readonly read?: ReadonlyMap<string, ReadSecrets>;
}

/** The facts from the proxies of a service cluster. */
export function materialOf(serviceCluster: string | undefined, { facts, now, byCluster }: Material): Material {
  return { facts: byCluster === undefined ? facts : (byCluster.get(serviceCluster ?? '') ?? new Map()), now };
}

/** Without facts there are no problems. */
export const unknownMaterial: Material = { facts: new Map(), now: 0 };

/** Whether proxies have found neither a certificate nor a key, nor users: it is not intended for them. */
export function isForeign(secret: string, { facts }: Material): boolean {
  const own = facts.get(secret);
  return own !== undefined && !isForProxies(own);
}

/** Whether proxies have found that nginx can staple the OCSP response for this certificate. */
export function isStapled(certificate: string, key: string, { facts }: Material): boolean {
  return facts.get(certificate)?.stapledWith.includes(key) ?? false;
}

/** Hosts that the certificate does not cover. Expressions are skipped, because their names are unknown. */
export function uncoveredHosts(certificate: string, hosts: readonly Host[], { facts }: Material): Host[] {
  const [leaf] = facts.get(certificate)?.certificates ?? [];
  if (leaf === undefined || !leaf.hasAllNames) return [];
  return hosts.filter(({ kind, name }) => kind !== 'regex' && !covers(leaf, name));
}

/** `10.20.30.40`, `[2001:db8::1]` */
export function isAddress({ kind, name }: Host): boolean {
  return kind === 'exact' && /^\[|^[\d.]+$/.test(name);
}

/** A wildcard covers one level. Clients do not compare addresses with DNS names. */
function covers({ names, addresses }: Pick<CertificateFacts, 'names' | 'addresses'>, host: string): boolean {
  if (isAddress({ kind: 'exact', name: host })) return addresses.includes(host);
  return names.includes(host) || names.includes(host.replace(/^[^.]+/, '*'));
}

/** The same, with names and addresses in one list. */
export function coversHost(names: readonly string[], { kind, name }: Host): boolean {
  return kind !== 'regex' && covers({ names, addresses: names }, name);
}

const MOST_SHARED_NAMES = 1000;

/** Names and addresses of a certificate; undefined if they are unknown or too many. */
export function namesOf(certificate: string, { facts }: Material): readonly string[] | undefined {
  const [leaf] = facts.get(certificate)?.certificates ?? [];
  if (leaf === undefined || !leaf.hasAllNames) return undefined;
  const all = [...leaf.names, ...leaf.addresses];
  return all.length > MOST_SHARED_NAMES ? undefined : all;
}
