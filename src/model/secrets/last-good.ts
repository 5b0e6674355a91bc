import { memoize, memoizeLast } from '../../lib/memo.ts';
import type { Host } from '../hosts/host.ts';
import { compareText } from '../route.ts';
import type { ReadSecret, ReadSecrets } from './encrypted-secrets.ts';
import { judgeServer } from './judge-secrets.ts';
import { type Material, uncoveredHosts } from './material.ts';

/** A certificate with its key, by names of secrets. */
export interface Pair {
  readonly certificate: string;
  readonly key: string;
}

/**
 * The newest good certificate for these hosts among the secrets that the proxies already have: it serves while the one
 * that a label names is invalid, or has not been read yet. `mayUse` excludes secrets.
 */
export type LastGood = (
  hosts: readonly Host[],
  read: ReadSecrets,
  material: Material,
  mayUse: (name: string) => boolean,
) => Pair | undefined;

export function createLastGood(judge = judgeServer): LastGood {
  const pairsOf = createGoodPairs(judge);
  return (hosts, read, material, mayUse) =>
    pairsOf(read, material).find(
      ({ certificate, key }) =>
        mayUse(certificate) && mayUse(key) && uncoveredHosts(certificate, hosts, material).length === 0,
    );
}

/** Judges each secret once for all routes: many may wait at the same time. */
function createGoodPairs(judge: typeof judgeServer): (read: ReadSecrets, material: Material) => readonly Pair[] {
  const pairsOf = memoize((read: ReadSecrets) =>
    memoizeLast((facts: Material['facts'], now: number) => findGoodPairs(read, { facts, now }, judge)),
  );
  return (read, material) => pairsOf(read)(material.facts, material.now);
}

export const lastGood = createLastGood();
/** All good certificates that the proxies already have, the newest first. */
export const goodPairs = createGoodPairs(judgeServer);

function findGoodPairs(read: ReadSecrets, material: Material, judge: typeof judgeServer): readonly Pair[] {
  const known = [...read.values()].filter(({ ciphertext }) => ciphertext !== undefined);
  const keys = Map.groupBy(known, ({ facts: { key } }) => (key.kind === 'plain' ? key.publicKey : undefined));
  return known
    .filter(({ facts }) => facts.certificates.length > 0)
    .toSorted((a, b) => compareText(beginOf(b), beginOf(a)) || compareText(a.facts.name, b.facts.name))
    .flatMap((certificate) => pairsWith(certificate, keys.get(certificate.facts.certificates[0]!.publicKey) ?? []))
    .filter(({ certificate, key }) => judge(certificate, key, material).every(({ severity }) => severity !== 'error'));
}

function beginOf({ facts: { certificates } }: ReadSecret): string {
  return certificates[0]?.from ?? '';
}

/** A certificate with each of the secrets that have its private key, its own first. */
function pairsWith({ facts: { name } }: ReadSecret, keys: readonly ReadSecret[]): readonly Pair[] {
  const names = keys.map(({ facts }) => facts.name);
  return names.toSorted((a, b) => Number(b === name) - Number(a === name)).map((key) => ({ certificate: name, key }));
}
