import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { PlainLog } from '../lib/plain-log.ts';
import { metricsPort, metricsTokenPath } from '../model/names.ts';
import type { Identity } from '../protocol/names.ts';
import type { Agent } from './agent.ts';
import { proxyMetrics } from './metrics/proxy-metrics.ts';
import { RequestCounts } from './metrics/request-counts.ts';
import { createMetricsServer } from './metrics-server.ts';
import { RequestLog, requestLogConfiguration } from './nginx/request-log.ts';
import { openConnections } from './nginx/status.ts';

const READ_EVERY_MS = 1000;

export interface ProxyMetricsOptions {
  readonly agent: Agent;
  readonly identity: Identity;
  /** nginx's folder. */
  readonly folder: string;
  readonly logger: PlainLog;
}

/** Counts nginx's responses and serves the metrics to clients with the token. Must be called before nginx starts and reads its log configuration. */
export async function startMetrics({ agent, identity, folder, logger }: ProxyMetricsOptions): Promise<void> {
  const token = (await readFile(metricsTokenPath, 'utf8')).trim();
  if (token === '') return logger.error({}, 'The metrics secret is empty: no metrics are exposed');
  const requests = new RequestCounts();
  await mkdir(folder, { recursive: true });
  const path = join(folder, 'requests.log');
  const log = new RequestLog(path, requests);
  await writeFile(join(folder, 'metrics.conf'), requestLogConfiguration(path));
  setInterval(() => log.read(), READ_EVERY_MS).unref();
  const metrics = async () => {
    const connections = await openConnections();
    log.read();
    return proxyMetrics({ version: agent.serving, reloads: agent.reloads, requests, connections });
  };
  createMetricsServer({ identity, token, metrics })
    .on('error', (error) => logger.error({ reason: error.message }, 'Metrics server failed to start'))
    .listen(metricsPort);
}
