import type { Logger } from '../lib/logger.ts';
import { metricsPort } from '../model/names.ts';
import { createMetricsServer, ownAddressIn } from '../protocol/metrics-server.ts';
import { metricsName } from '../protocol/names.ts';
import type { Access } from './admin/access.ts';
import { RenewedIdentity, renewInTime } from './renewed-identity.ts';

export interface ControllerMetricsOptions {
  readonly access: Pick<Access, 'identifyBearer'>;
  readonly metrics: () => Promise<string>;
  readonly authority: Parameters<typeof RenewedIdentity.issue>[0];
  /** Of the control network. */
  readonly subnets: readonly string[];
  readonly logger: Logger;
  readonly now: () => number;
}

/**
 * Serves the metrics on the control network, where Prometheus finds all controllers, to clients with a token of the
 * API. Passwords are not accepted there: nobody can guess a token, and a compromised proxy must not try passwords.
 */
export async function serveMetrics(options: ControllerMetricsOptions, signal: AbortSignal): Promise<void> {
  const { authority, access, metrics, subnets, logger, now } = options;
  const address = ownAddressIn(subnets);
  if (address === undefined) return;
  const identity = await RenewedIdentity.issue(authority, now, metricsName);
  const server = createMetricsServer({
    identity: identity.current,
    isAllowed: (authorization) => mayRead(access, authorization),
    onlyFrom: subnets,
    metrics,
  });
  renewInTime({ server, identity, name: 'Metrics', logger }, signal);
  signal.addEventListener('abort', () => server.close(), { once: true });
  server
    .on('error', (error) => logger.error({ err: error }, 'Metrics server failed to start'))
    .listen(metricsPort, address);
}

/** Metrics cover all clusters, so a token that is limited to one is rejected. */
export async function mayRead(access: Pick<Access, 'identifyBearer'>, authorization: string): Promise<boolean> {
  const token = /^Bearer (\S+)$/i.exec(authorization)?.[1];
  if (token === undefined) return false;
  const session = await access.identifyBearer(token);
  return session !== undefined && session.user.cluster === undefined;
}
