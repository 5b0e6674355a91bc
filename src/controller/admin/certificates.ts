import { z } from 'zod';
import { ACME_PREFIX } from '../../model/acme/certificates.ts';
import type { NotedCertificate } from '../../model/acme/plan.ts';
import { remedyOf } from '../../model/acme/problems.ts';
import type { ClusterState } from '../../model/cluster-state.ts';
import type { Problem } from '../../model/problem.ts';
import { compareText } from '../../model/route.ts';
import { judgeServer } from '../../model/secrets/judge-secrets.ts';
import type { Status } from '../reconcile/status.ts';

const time = z.iso.datetime();

/** A certificate that the proxies use or should use. */
export const certificateSchema = z.object({
  /** Host or wildcard that it is ordered for, otherwise its secret. */
  name: z.string(),
  /** `acme`: ordered and renewed automatically. `secret`: a label or the settings name its secret. */
  source: z.enum(['acme', 'secret']),
  /** Docker secret that contains it; null before it is issued. */
  secret: z.string().nullable(),
  /** Issuer in the settings, or who signed the certificate; null if that is unknown. */
  issuer: z.string().nullable(),
  /** Names and addresses in the certificate. */
  names: z.array(z.string()),
  hosts: z.array(z.string()),
  services: z.array(z.string()),
  /** `pending` before the first certificate, and until a job or a proxy has read its secret. */
  status: z.enum(['valid', 'expired', 'invalid', 'pending']),
  serial: z.string().nullable(),
  notBefore: time.nullable(),
  notAfter: time.nullable(),
  /** An order is under way. */
  isOrdering: z.boolean(),
  /** When it is ordered or renewed next; null if that is now, or if it is not ordered automatically. */
  nextAt: time.nullable(),
  /** Why it waits, the last error, or what is wrong with its secret. */
  reason: z.string().nullable(),
  /** How to fix it. */
  remedy: z.string().nullable(),
  /** What DNS and ports say about the next order, while there is no certificate or orders fail. */
  notes: z.array(z.object({ reason: z.string(), remedy: z.string() })),
});

export type CertificateView = z.infer<typeof certificateSchema>;

export const renewalSchema = z.object({
  name: z.string(),
  /** When the order begins at the earliest: a new certificate rests for a moment. */
  at: time,
});

export type RenewalView = z.infer<typeof renewalSchema>;

/** All certificates: those that are ordered, then those that are in secrets of users. */
export function viewCertificates(
  ordered: readonly NotedCertificate[],
  status: Pick<Status, 'desired' | 'problems'> | undefined,
  now: number,
): CertificateView[] {
  const { desired: { clusters } = { clusters: [] }, problems = [] } = status ?? {};
  const used = clusters.flatMap((state) => usedSecrets(state, now));
  const shown = new Set(used.map(({ secret }) => secret));
  const rejected = problems
    .filter((problem) => isAboutCertificate(problem) && !shown.has(problem.value ?? ''))
    .map((problem) => viewRejected(problem, clusters));
  return [...ordered.map((each) => viewOrdered(each, now)), ...used, ...byName(rejected)];
}

function toTime(ms: number | undefined): string | null {
  return ms === undefined ? null : new Date(ms).toISOString();
}

function viewOrdered(status: NotedCertificate, now: number): CertificateView {
  const { name, issuer, hosts, services, current, isOrdering, nextAt, refusal, failure } = status;
  return {
    name,
    source: 'acme',
    secret: current?.secret ?? null,
    issuer,
    names: [...(current?.names ?? [])],
    hosts: [...hosts],
    services: [...services],
    status: current === undefined ? 'pending' : current.notAfter > now ? 'valid' : 'expired',
    serial: current?.serial ?? null,
    notBefore: toTime(current?.notBefore),
    notAfter: toTime(current?.notAfter),
    isOrdering,
    nextAt: nextAt > now ? toTime(Math.round(nextAt)) : null,
    reason: failure?.reason ?? refusal?.reason ?? null,
    remedy: remedyOf(status) ?? null,
    notes: status.notes.map(({ reason, remedy }) => ({ reason, remedy })),
  };
}

const notOrdered = { source: 'secret' as const, serial: null, isOrdering: false, nextAt: null, notes: [] };

interface Use {
  readonly key: string;
  readonly hosts: Set<string>;
  readonly services: Set<string>;
}

/** Those that hosts use, and those that the settings name. */
function usedSecrets(state: ClusterState, now: number): CertificateView[] {
  const { DefaultCertificate, Certificates } = state.cluster.settings;
  const uses = new Map<string, Use>();
  const useOf = (certificate: string, key: string) => {
    const use = uses.get(certificate) ?? { key, hosts: new Set(), services: new Set() };
    uses.set(certificate, use);
    return use;
  };
  for (const { host, tls, locations } of state.table.servers) {
    if (tls.kind !== 'terminated' || tls.certificate.startsWith(ACME_PREFIX)) continue;
    const use = useOf(tls.certificate, tls.key);
    use.hosts.add(host.name);
    for (const service of locations.flatMap(({ services }) => services)) use.services.add(service);
  }
  const present = new Set(state.secrets.map(({ name }) => name));
  for (const name of [DefaultCertificate, ...Certificates]) if (present.has(name)) useOf(name, name);
  return [...uses]
    .toSorted(([a], [b]) => compareText(a, b))
    .map(([secret, use]) => viewSecret(secret, use, state, now));
}

function viewSecret(secret: string, { key, hosts, services }: Use, state: ClusterState, now: number): CertificateView {
  const [leaf] = state.facts.get(secret)?.certificates ?? [];
  const [verdict] = judgeServer(secret, key, { facts: state.facts, now });
  const isExpired = leaf !== undefined && Date.parse(leaf.until) < now;
  const isInvalid = verdict?.severity === 'error';
  return {
    ...notOrdered,
    name: secret,
    secret,
    issuer: leaf?.issuer ?? null,
    names: leaf === undefined ? [] : [...leaf.names, ...leaf.addresses],
    hosts: [...hosts].toSorted(compareText),
    services: [...services].toSorted(compareText),
    status: isExpired ? 'expired' : isInvalid ? 'invalid' : leaf === undefined ? 'pending' : 'valid',
    notBefore: leaf?.from ?? null,
    notAfter: leaf?.until ?? null,
    reason: verdict?.reason ?? null,
    remedy: verdict?.remedy ?? null,
  };
}

/** Whether a secret that should contain a certificate is missing or rejected. */
function isAboutCertificate({ severity, label = '' }: Problem): boolean {
  return severity === 'error' && ['ssl_cert', 'ssl_key', 'Certificates', 'DefaultCertificate'].includes(lastOf(label));
}

function lastOf(label: string): string {
  return label.slice(label.lastIndexOf('.') + 1);
}

/** Its services are closed. */
function viewRejected(
  { service, affects = [], value = '', reason, remedy }: Problem,
  clusters: readonly ClusterState[],
): CertificateView {
  const services = [...new Set([service, ...affects.map((each) => each.service)].filter((name) => name !== undefined))];
  const closed = clusters
    .flatMap(({ routes }) => routes)
    .filter((route) => route.tls.kind === 'closed' && services.includes(route.service.name));
  const hosts = closed.flatMap((route) => route.hosts.map(({ name }) => name));
  return {
    ...notOrdered,
    name: value,
    secret: value,
    issuer: null,
    names: [],
    hosts: [...new Set(hosts)].toSorted(compareText),
    services: services.toSorted(compareText),
    status: 'invalid',
    notBefore: null,
    notAfter: null,
    reason,
    remedy,
  };
}

function byName(views: readonly CertificateView[]): CertificateView[] {
  return views.toSorted((a, b) => compareText(a.name, b.name));
}
