import { createSecureContext } from 'node:tls';
import { Access } from './admin/access.ts';
import type { Administrator } from './admin/administrator.ts';
import { createAdminApp } from './admin/app.ts';
import { explainEverywhere } from './admin/explain.ts';
import { createMetrics } from './admin/metrics.ts';
import { servePage } from './admin/page.ts';
import { serveAdmin } from './admin/serve.ts';
import { toState } from './admin/state.ts';
import { keptVersions, readVersion } from './admin/versions.ts';
import { engineCalls } from './docker/docker-error.ts';
import type { DockerSwarm } from './docker/swarm.ts';
import type { Logger } from './lib/logger.ts';
import { memoizeLast } from './lib/memo.ts';
import { type Authority, issueIdentity } from './link/certificates.ts';
import { readSecret } from './own-secrets.ts';
import type { StatusBoard } from './reconcile/status.ts';

export interface AdminParts {
  readonly administrator: Administrator;
  readonly authority: Authority;
  readonly passwords: { readonly adminPassword: string; readonly viewerPassword: string };
  readonly status: StatusBoard;
  readonly swarm: DockerSwarm;
  readonly port: number;
  readonly logger: Logger;
  readonly now: () => number;
}

/** Wires the administrator's interface: API, page, and the certificate they are served with. */
export async function startAdmin(parts: AdminParts, signal: AbortSignal): Promise<void> {
  const { administrator, authority, passwords, status, swarm, port, now } = parts;
  const access = new Access({ ...passwords, key: authority.caKey, now });
  const view = memoizeLast(toState);
  const configs = () => status.current?.snapshot.configs ?? [];
  const metrics = createMetrics(status, engineCalls);
  const app = createAdminApp({
    state: () => view(status.current, status.error, administrator.current),
    subscribe: (listener) => status.subscribe(listener),
    access,
    administrator,
    versions: (cluster) => keptVersions(configs(), cluster),
    readVersion: (cluster, version) => readVersion(configs(), cluster, version, (id) => swarm.readConfig(id)),
    metrics: () => metrics.metrics(),
    explain: (url) => explainEverywhere(status.current?.desired.clusters ?? [], url),
    page: servePage(new URL('../dist/ui', import.meta.url).pathname),
  });
  serveAdmin({ app, port, ...(await certificate(parts)) }, signal);
}

/** The administrator's own, where the stack mounts secrets under these names; else one of the controller's CA. */
async function certificate({ authority, logger, now }: AdminParts) {
  const [cert, key] = await Promise.all([readSecret('signalbox-admin.cert'), readSecret('signalbox-admin.key')]);
  if (cert !== undefined && key !== undefined) {
    const fault = faultOf({ cert, key });
    if (fault === undefined) return { cert, key };
    // Routing must not stop for it.
    logger.error({ reason: fault }, 'Certificate of the administration cannot be used');
  }
  return issueIdentity(authority, 'admin.signalbox', now(), ['localhost']);
}

function faultOf(material: { readonly cert: string; readonly key: string }): string | undefined {
  try {
    createSecureContext(material);
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}
