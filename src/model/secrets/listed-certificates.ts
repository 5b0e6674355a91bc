import { type Host, wildcardAbove } from '../hosts/host.ts';
import type { ServiceContext } from '../parse-service.ts';
import type { Problem } from '../problem.ts';
import { problemKind } from '../problem-kind.ts';
import { compareText } from '../route.ts';
import type { Cluster } from '../settings/clusters.ts';
import { judgeCertificate } from './cluster-secrets.ts';
import type { ReadSecrets } from './encrypted-secrets.ts';
import { goodPairs, type Pair } from './last-good.ts';
import { isAddress, type Material } from './material.ts';
import { judgeUse } from './secret-use.ts';

export const certificatesWithoutAgent = problemKind({
  id: 'certificates-without-agent',
  severity: 'warning',
  meaning: `The setting Certificates needs the names in the certificates, which only agents report.`,
  reason: () => 'has no effect: without HitlessServiceUpdate, no agent reports the names in certificates',
  remedy: 'Set HitlessServiceUpdate = true, or name the secrets in the label ssl_cert.',
  example: [],
  at: 'Extensions.default.Certificates',
});

/** The certificates that the setting `Certificates` lists, for hosts without their own. */
export interface ListedCertificates {
  /** Of those that cover the host, the closest. */
  readonly find: (host: Host) => Pair | undefined;
  /** All secrets of the list that could serve, whichever hosts there are. */
  readonly good: readonly string[];
  /** The names of a certificate are not known yet. */
  readonly isWaiting: boolean;
  readonly problems: readonly Problem[];
}

/** `used` are the secrets that labels name. They are for their own services. */
export function judgeListed(
  cluster: Cluster,
  context: ServiceContext,
  read: ReadSecrets | undefined,
  used: ReadonlySet<string>,
): ListedCertificates {
  const { material, secrets } = context;
  const names = [...new Set(cluster.settings.Certificates)];
  const judged = names.map((name) => judgeCertificate(cluster, 'Certificates', name, context));
  const isKnown = (name: string) => material.facts.has(name) && isReadIfNeeded(secrets.get(name)?.id, read);
  const good = judged.filter(({ secret, isGood }) => isGood && isKnown(secret)).map(({ secret }) => secret);
  const listed = indexByName(
    good.map((name) => ({ certificate: name, key: name })),
    material,
  );
  const isComplete = good.length === names.length;
  const former = isComplete || read === undefined ? NONE : indexByName(formerPairs(context, read, used), material);
  return {
    find: (host) => closest(listed, host) ?? closest(former, host),
    good,
    isWaiting: names.some((name) => secrets.has(name) && !isKnown(name)),
    problems: [...judged.flatMap(({ problems }) => problems), ...withoutAgent(cluster)],
  };
}

/** Without a job's result, the proxies do not have the secret yet. */
function isReadIfNeeded(id: string | undefined, read: ReadSecrets | undefined): boolean {
  return read === undefined || (id !== undefined && read.has(id));
}

/**
 * Certificates that the proxies already have and no label names. They serve while one of the list is missing, invalid or
 * not read yet: most likely they were on the list before it.
 */
function formerPairs(
  { secrets, secretUse, material }: ServiceContext,
  read: ReadSecrets,
  used: ReadonlySet<string>,
): readonly Pair[] {
  const mayServe = (name: string) => {
    const secret = secrets.get(name);
    return secret !== undefined && !used.has(name) && judgeUse(secret, secretUse)?.severity !== 'error';
  };
  return goodPairs(read, material).filter(({ certificate, key }) => mayServe(certificate) && mayServe(key));
}

type ByName = ReadonlyMap<string, Pair>;
const NONE: ByName = new Map();

/** For equal names, the later expiry decides. */
function indexByName(pairs: readonly Pair[], { facts }: Material): ByName {
  const leaves = pairs.flatMap((pair) => {
    const [leaf] = facts.get(pair.certificate)?.certificates ?? [];
    return leaf === undefined ? [] : [{ pair, leaf, until: Date.parse(leaf.until) }];
  });
  const byName = new Map<string, Pair>();
  const sorted = leaves.toSorted((a, b) => b.until - a.until || compareText(a.pair.certificate, b.pair.certificate));
  for (const { pair, leaf } of sorted) {
    // Clients do not compare addresses with DNS names.
    const names = leaf.names.filter((name) => !isAddress({ kind: 'exact', name }));
    for (const name of [...names, ...leaf.addresses]) if (!byName.has(name)) byName.set(name, pair);
  }
  return byName;
}

function closest(byName: ByName, host: Host): Pair | undefined {
  if (host.kind === 'regex') return undefined;
  return byName.get(host.name) ?? (isAddress(host) ? undefined : byName.get(wildcardAbove(host)));
}

function withoutAgent({ name, settings: { Certificates, HitlessServiceUpdate } }: Cluster): Problem[] {
  if (HitlessServiceUpdate || Certificates.length === 0) return [];
  const label = `Extensions.${name}.Certificates`;
  return [
    {
      ...certificatesWithoutAgent(),
      cluster: name,
      label,
    },
  ];
}
