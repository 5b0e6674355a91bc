import { readFile } from 'node:fs/promises';
import type { PlainLog } from '../lib/plain-log.ts';
import { metricsPort, metricsTokenPath } from '../model/names.ts';
import {
  acceptToken,
  createMetricsServer,
  type MetricsServerOptions,
  ownAddressIn,
} from '../protocol/metrics-server.ts';
import type { Identity } from '../protocol/names.ts';
import type { Agent } from './agent.ts';
import { proxyMetrics } from './metrics/proxy-metrics.ts';
import { openConnections } from './nginx/status.ts';
import type { Traffic } from './traffic.ts';

export interface ProxyMetricsOptions {
  readonly agent: Agent;
  readonly identity: Identity;
  readonly traffic: Traffic;
  readonly logger: PlainLog;
}

/** Serves the metrics on all networks, to clients with the token. */
export async function serveWithToken(options: ProxyMetricsOptions): Promise<void> {
  const token = (await readFile(metricsTokenPath, 'utf8')).trim();
  if (token === '') return options.logger.error({}, 'The metrics secret is empty: no metrics are exposed');
  listen(options, { isAllowed: acceptToken(token) });
}

/** Serves the metrics on the control network only. */
export function serveOnNetwork(options: ProxyMetricsOptions, subnets: readonly string[]): void {
  const address = ownAddressIn(subnets);
  if (address !== undefined) listen(options, { isAllowed: () => true, onlyFrom: subnets }, address);
  else options.logger.error({ subnets }, 'No address in the control network: no metrics are exposed');
}

function listen(
  { agent, identity, traffic, logger }: ProxyMetricsOptions,
  access: Pick<MetricsServerOptions, 'isAllowed' | 'onlyFrom'>,
  address?: string,
): void {
  const { requests } = traffic;
  const metrics = async () => {
    const connections = await openConnections();
    traffic.read();
    return proxyMetrics({ version: agent.serving, reloads: agent.reloads, requests, connections });
  };
  createMetricsServer({ identity, metrics, ...access })
    .on('error', (error) => logger.error({ reason: error.message }, 'Metrics server failed to start'))
    .listen(metricsPort, address);
}
