import { isAcmeCertificate } from '../acme/certificates.ts';
import { metricsPort } from '../names.ts';
import type { ServiceContext } from '../parse-service.ts';
import type { Problem } from '../problem.ts';
import { asGiven, problemKind } from '../problem-kind.ts';
import { compareText } from '../route.ts';
import type { Cluster } from '../settings/clusters.ts';
import type { StoredObject } from '../snapshot.ts';
import { judgeServer, missingSecret } from './judge-secrets.ts';
import { isForeign } from './material.ts';
import { judgeUse } from './secret-use.ts';
import { textOf, type Verdict } from './verdict.ts';

export const metricsUnavailable = problemKind({
  id: 'metrics-unavailable',
  severity: 'warning',
  meaning: `The setting MetricsSecret cannot be used, so the proxies expose no metrics.`,
  ...asGiven,
  example: ['is not a secret of this swarm', 'Create it: openssl rand -hex 32 | docker secret create metrics -'],
  at: 'Extensions.default.MetricsSecret "metrics"',
});

export function judgeDefaultCertificate(cluster: Cluster, context: ServiceContext) {
  return judgeCertificate(cluster, 'DefaultCertificate', cluster.settings.DefaultCertificate, context);
}

/** A secret with certificate and key that a setting names. */
export function judgeCertificate(
  { name }: Pick<Cluster, 'name'>,
  key: 'DefaultCertificate' | 'Certificates',
  secret: string,
  { secrets, material, secretUse }: ServiceContext,
) {
  const label = `Extensions.${name}.${key}`;
  const toProblem = (verdict: Verdict): Problem => ({
    ...textOf(verdict),
    cluster: name,
    label,
    value: secret,
    affects: [{ label, routes: [] }],
  });
  if (secret === '') return { secret, isGood: false, problems: [] };
  if (!secrets.has(secret)) return { secret, isGood: false, problems: [toProblem(missingSecret(secret))] };
  const use = judgeUse(secrets.get(secret)!, secretUse);
  const verdicts = [...(use ? [use] : []), ...judgeServer(secret, secret, material)];
  return { secret, isGood: verdicts.every(({ severity }) => severity !== 'error'), problems: verdicts.map(toProblem) };
}

/** Whether clients on the control network read the metrics without a token. A missing secret must not permit this. */
export function servesOpenMetrics({ Metrics, MetricsSecret, TargetPort, TargetSSLPort }: Cluster['settings']): boolean {
  return Metrics && MetricsSecret === '' && ![TargetPort, TargetSSLPort].includes(metricsPort);
}

/** An invalid secret does not affect routes. */
export function judgeMetricsSecret({ name, settings }: Cluster, secrets: ReadonlyMap<string, StoredObject>) {
  const value = settings.MetricsSecret;
  if (value === '') return { secret: undefined, problems: [] };
  const found = secrets.get(value);
  const obstacle = metricsObstacle(settings, found !== undefined);
  if (obstacle === undefined) return { secret: found && { id: found.id, name: found.name }, problems: [] };
  const label = `Extensions.${name}.MetricsSecret`;
  const problem: Problem = { ...metricsUnavailable(obstacle.reason, obstacle.remedy), cluster: name, label, value };
  return { secret: undefined, problems: [problem] };
}

function metricsObstacle(
  settings: Cluster['settings'],
  exists: boolean,
): Pick<Problem, 'reason' | 'remedy'> | undefined {
  const { HitlessServiceUpdate, TargetPort, TargetSSLPort, Metrics, MetricsSecret } = settings;
  if (!Metrics)
    return {
      reason: 'has no effect: Metrics is false',
      remedy: 'Remove one of the settings Metrics and MetricsSecret.',
    };
  if (!HitlessServiceUpdate) {
    const reason = 'has no effect: without HitlessServiceUpdate, proxies have no agent that exposes metrics';
    return { reason, remedy: 'Set HitlessServiceUpdate = true, or remove this setting.' };
  }
  if ([TargetPort, TargetSSLPort].includes(metricsPort)) {
    const reason = `has no effect: metrics are exposed on port ${metricsPort}, which is also a target port`;
    return { reason, remedy: 'Choose another TargetPort and TargetSSLPort.' };
  }
  if (exists) return undefined;
  const remedy = `Create it: openssl rand -hex 32 | docker secret create ${MetricsSecret} -`;
  return { reason: 'is not a secret of this swarm', remedy };
}

/** Secrets without TLS material are not attached to the proxies again, whatever the routes require. */
export function attachedSecrets(names: readonly string[], { secrets, material, secretUse }: ServiceContext) {
  return [...new Set(names)]
    .toSorted(compareText)
    .flatMap((name) => secrets.get(name) ?? [])
    .filter((secret) => !isForeign(secret.name, material) && isAttachable(secret, secretUse))
    .map(({ id, name }) => ({ id, name }));
}

/** Labels cannot name certificates from ACME servers: only ownership of a host leads to them. */
function isAttachable(secret: StoredObject, use: ServiceContext['secretUse']): boolean {
  return isAcmeCertificate(secret) || judgeUse(secret, use)?.severity !== 'error';
}

export function foreignSecrets({ secrets, material }: ServiceContext): string[] {
  const foreign = [...material.facts.keys()].filter((name) => isForeign(name, material));
  return foreign.flatMap((name) => secrets.get(name)?.id ?? []).toSorted(compareText);
}
