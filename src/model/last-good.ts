import type { ReadSecret, ReadSecrets } from './encrypted-secrets.ts';
import type { Host } from './host.ts';
import { judgeServer } from './judge-secrets.ts';
import { type Material, uncoveredHosts } from './material.ts';
import { compareText } from './route.ts';

/** A certificate with its key, by names of secrets. */
export interface Pair {
  readonly certificate: string;
  readonly key: string;
}

/**
 * The newest good certificate for these hosts among the secrets that the proxies already have: it serves while the one
 * that a label names is invalid, or has not been read yet. `mayUse` excludes secrets.
 */
export function lastGood(
  hosts: readonly Host[],
  read: ReadSecrets,
  material: Material,
  mayUse: (name: string) => boolean,
): Pair | undefined {
  const known = [...read.values()].filter(
    ({ ciphertext, facts: { name } }) => ciphertext !== undefined && mayUse(name),
  );
  const isGood = ({ certificate, key }: Pair) =>
    uncoveredHosts(certificate, hosts, material).length === 0 &&
    judgeServer(certificate, key, material).every(({ severity }) => severity !== 'error');
  return known
    .filter(({ facts }) => facts.certificates.length > 0)
    .toSorted((a, b) => compareText(beginOf(b), beginOf(a)) || compareText(a.facts.name, b.facts.name))
    .flatMap((certificate) => keysOf(certificate, known).map((key) => ({ certificate: certificate.facts.name, key })))
    .find(isGood);
}

function beginOf({ facts: { certificates } }: ReadSecret): string {
  return certificates[0]?.from ?? '';
}

/** Secrets with its private key, its own first. */
function keysOf({ facts: own }: ReadSecret, known: readonly ReadSecret[]): readonly string[] {
  const wanted = own.certificates[0]?.publicKey;
  const matching = known.filter(({ facts: { key } }) => key.kind === 'plain' && key.publicKey === wanted);
  const names = matching.map(({ facts }) => facts.name);
  return names.toSorted((a, b) => Number(b === own.name) - Number(a === own.name));
}
