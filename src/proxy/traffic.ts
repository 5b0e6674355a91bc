import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TrafficReport } from '../model/traffic.ts';
import { RequestCounts } from './metrics/request-counts.ts';
import { RequestErrors } from './metrics/request-errors.ts';
import {
  agentLogs,
  connectionLogConfiguration,
  errorLogConfiguration,
  RequestLog,
  requestLogConfiguration,
} from './nginx/request-log.ts';
import { openConnections } from './nginx/status.ts';

const READ_EVERY_MS = 1000;

/** What nginx's logs for the agent contain. */
export interface Traffic {
  readonly requests: RequestCounts;
  /** Counts all that was logged until now. */
  readonly read: () => void;
  /** Everything since the last call. */
  readonly take: () => Promise<Omit<TrafficReport, 'number'>>;
}

/** Counts nginx's responses and connections. Must be called before nginx starts and reads its log configuration. `folder` is nginx's. */
export async function startTraffic(folder: string): Promise<Traffic> {
  const requests = new RequestCounts();
  const errors = new RequestErrors();
  await mkdir(folder, { recursive: true });
  const paths = { requests: join(folder, agentLogs.requests), errors: join(folder, agentLogs.serverErrors) };
  const logs = [new RequestLog(paths.requests, requests), new RequestLog(paths.errors, errors)];
  await writeFile(join(folder, 'metrics.conf'), requestLogConfiguration(paths.requests));
  await writeFile(join(folder, 'errors.conf'), errorLogConfiguration(paths.errors));
  const connections = connectionLogConfiguration(paths.requests);
  await writeFile(join(folder, 'connections.conf'), connections.format);
  await writeFile(join(folder, 'connection-log.conf'), connections.log);
  const read = () => {
    for (const log of logs) log.read();
  };
  setInterval(read, READ_EVERY_MS).unref();
  let lost = 0;
  const take = async () => {
    const open = (await openConnections())?.open;
    read();
    const lostNow = requests.lost - lost;
    lost = requests.lost;
    return { rows: requests.takeRows(), errors: errors.takeErrors(), connections: open ?? null, lost: lostNow };
  };
  return { requests, read, take };
}
