import { createSecureContext } from 'node:tls';
import type { Logger } from '../lib/logger.ts';
import { memoizeLast } from '../lib/memo.ts';
import type { Settings } from '../model/settings/settings.ts';
import type { Authority } from '../protocol/certificates.ts';
import type { InternalCa } from '../protocol/internal-ca.ts';
import type { AcmeTask } from './acme/acme-task.ts';
import { Access } from './admin/access.ts';
import type { Administrator } from './admin/administrator.ts';
import { createAdminApp } from './admin/app.ts';
import { viewCertificates } from './admin/certificates.ts';
import { type DoctorSources, diagnose } from './admin/doctor.ts';
import { explainEverywhere } from './admin/explain.ts';
import { FailedSignIns } from './admin/failed-sign-ins.ts';
import { toHostViews } from './admin/hosts.ts';
import { readLogs } from './admin/logs.ts';
import { createMetrics } from './admin/metrics.ts';
import { oidcFingerprint } from './admin/oidc.ts';
import { servePage } from './admin/page.ts';
import { toPlanView } from './admin/plan.ts';
import { serveAdmin } from './admin/serve.ts';
import { toState } from './admin/state.ts';
import type { TrafficSource } from './admin/traffic-route.ts';
import { tryTargetIn } from './admin/try-route.ts';
import { VersionBook } from './admin/version-book.ts';
import { readVersion } from './admin/versions.ts';
import { engineCalls } from './docker/docker-error.ts';
import type { DockerSwarm } from './docker/swarm.ts';
import { probeManager, probePorts } from './doctor-probes.ts';
import { readSecret } from './own-secrets.ts';
import type { PlanPreview } from './reconcile/preview.ts';
import type { StatusBoard } from './reconcile/status.ts';
import { RenewedIdentity, renewInTime } from './renewed-identity.ts';
import { serveMetrics } from './serve-metrics.ts';
import type { SignInSources } from './sign-in.ts';

export interface AdminParts {
  readonly administrator: Administrator;
  readonly authority: Authority;
  readonly passwords: { readonly adminPassword: string; readonly viewerPassword: string };
  readonly signIn: SignInSources;
  readonly status: StatusBoard;
  readonly preview: PlanPreview;
  readonly acme: Pick<AcmeTask, 'certificates' | 'orders' | 'renew'>;
  readonly internalCa: Pick<InternalCa, 'root'>;
  readonly swarm: DockerSwarm;
  readonly traffic: TrafficSource;
  readonly settings: Settings;
  readonly port: number;
  /** Subnets of the control network: only the metrics are served there. */
  readonly closedTo: readonly string[];
  /** Subnets of the relays. */
  readonly relayedFrom: readonly string[];
  readonly logger: Logger;
  readonly now: () => number;
}

/** Wires the admin interface: API, page and their certificate. */
export async function startAdmin(parts: AdminParts, signal: AbortSignal): Promise<void> {
  const {
    administrator,
    authority,
    passwords,
    signIn,
    status,
    preview,
    swarm,
    port,
    closedTo,
    relayedFrom,
    logger,
    now,
  } = parts;
  const failedSignIns = new FailedSignIns({
    save: (failed) => administrator.recordFailedSignIns(failed),
    logger,
    now,
  });
  const access = new Access({
    ...passwords,
    users: signIn.users,
    key: authority.caKey,
    now,
    decisions: () => administrator.current,
    oidcFingerprint: signIn.oidc && oidcFingerprint(signIn.oidc.settings),
    onFailure: (failed) => failedSignIns.record(failed),
  });
  const view = memoizeLast(toState);
  const configs = () => status.current?.snapshot.configs ?? [];
  const certificates = () => viewCertificates(parts.acme.certificates, status.current, now());
  const sources: DoctorSources = {
    status: () => status.current,
    settings: parts.settings,
    certificates,
    engine: (serviceIds) => swarm.engineFacts(serviceIds),
    ...{ probePorts, probeManager, now },
  };
  const metrics = createMetrics(status, engineCalls, parts.acme);
  await serveMetrics({ ...parts, access, metrics: () => metrics.metrics(), subnets: closedTo }, signal);
  const app = createAdminApp({
    state: () => view(status.current, status.error, administrator.current),
    subscribe: (listener) => status.subscribe(listener),
    access,
    oidc: signIn.oidc,
    administrator,
    traffic: parts.traffic,
    versions: new VersionBook({
      configs,
      read: (id) => swarm.readConfig(id),
      changes: () => administrator.current.changes,
    }),
    readVersion: (cluster, version) => readVersion(configs(), cluster, version, (id) => swarm.readConfig(id)),
    metrics: () => metrics.metrics(),
    explain: (url, details) =>
      explainEverywhere(status.current?.desired.clusters ?? [], url, details, status.current?.backends),
    logs: (query, state) =>
      readLogs(query, state, status.current, (task, lines, deadlineMs) => swarm.taskLines(task, lines, deadlineMs)),
    doctor: () => diagnose(sources),
    tryTarget: (cluster, isSecure) => tryTargetIn(status.current, cluster, isSecure),
    plan: () => toPlanView(preview.planned, status.error),
    certificates,
    renew: (name) => parts.acme.renew(name),
    hosts: () => toHostViews(status.current),
    internalCa: parts.internalCa.root,
    logger,
    now,
    page: servePage(new URL('../../dist/ui', import.meta.url).pathname),
  });
  endMaintenanceInTime(parts, signal);
  const own = await ownCertificate(parts);
  const renewed = own ? undefined : await RenewedIdentity.issue(authority, now, 'admin.signalbox', ['localhost']);
  const server = serveAdmin({ app, port, closedTo, relayedFrom, ...(own ?? renewed!.current) }, signal);
  if (renewed) renewInTime({ server, identity: renewed, name: 'Admin', logger }, signal);
}

const MAINTENANCE_CHECK_MS = 2000;

function endMaintenanceInTime({ administrator, logger }: AdminParts, signal: AbortSignal): void {
  const end = () => administrator.endExpired().catch((error) => logger.error({ err: error }, 'Maintenance not ended'));
  const timer = setInterval(end, MAINTENANCE_CHECK_MS).unref();
  signal.addEventListener('abort', () => clearInterval(timer), { once: true });
}

/** The administrator's certificate, if the stack mounts secrets with these names. Defaults to one issued by the controller's CA. */
async function ownCertificate({ logger }: AdminParts): Promise<{ cert: string; key: string } | undefined> {
  const [cert, key] = await Promise.all([readSecret('signalbox-admin.cert'), readSecret('signalbox-admin.key')]);
  if (cert !== undefined && key !== undefined) {
    const fault = faultOf({ cert, key });
    if (fault === undefined) return { cert, key };
    // An invalid certificate must not stop routing.
    logger.error({ reason: fault }, 'Admin certificate is invalid');
  }
  return undefined;
}

function faultOf(material: { readonly cert: string; readonly key: string }): string | undefined {
  try {
    createSecureContext(material);
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}
