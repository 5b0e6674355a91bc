import { readFile } from 'node:fs/promises';
import type { PlainLog } from '../lib/plain-log.ts';
import { metricsPort, metricsTokenPath } from '../model/names.ts';
import type { Identity } from '../protocol/names.ts';
import type { Agent } from './agent.ts';
import { proxyMetrics } from './metrics/proxy-metrics.ts';
import { createMetricsServer } from './metrics-server.ts';
import { openConnections } from './nginx/status.ts';
import type { Traffic } from './traffic.ts';

export interface ProxyMetricsOptions {
  readonly agent: Agent;
  readonly identity: Identity;
  readonly traffic: Traffic;
  readonly logger: PlainLog;
}

/** Serves the metrics to clients with the token. */
export async function startMetrics({ agent, identity, traffic, logger }: ProxyMetricsOptions): Promise<void> {
  const token = (await readFile(metricsTokenPath, 'utf8')).trim();
  if (token === '') return logger.error({}, 'The metrics secret is empty: no metrics are exposed');
  const { requests } = traffic;
  const metrics = async () => {
    const connections = await openConnections();
    traffic.read();
    return proxyMetrics({ version: agent.serving, reloads: agent.reloads, requests, connections });
  };
  createMetricsServer({ identity, token, metrics })
    .on('error', (error) => logger.error({ reason: error.message }, 'Metrics server failed to start'))
    .listen(metricsPort);
}
