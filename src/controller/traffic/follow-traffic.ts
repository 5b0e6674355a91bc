import { sleep } from '../../lib/sleep.ts';
import { extensionPort } from '../../model/names.ts';
import { HELD_TIMEOUT_MS } from '../../protocol/call.ts';
import type { Identity } from '../../protocol/names.ts';
import { TrafficResponse } from '../../protocol/traffic-messages.ts';
import { ExtensionChannel, parseJson } from '../extension-channel.ts';
import type { TrafficRecorder } from './traffic-recorder.ts';

const RETRY_MS = 1000;
/** An extension of an earlier release does not have the reports. */
const OLD_RETRY_MS = 30_000;
const LIMITS = { timeoutMs: HELD_TIMEOUT_MS, maxBytes: 32 * 1024 * 1024 };

export interface FollowTrafficOptions {
  readonly identity: () => Identity;
  readonly recorder: Pick<TrafficRecorder, 'record'>;
  readonly port?: number;
}

/** Fetches the reports about requests from the extension of a cluster until the signal aborts. */
export async function followTraffic(
  { identity, recorder, port = extensionPort }: FollowTrafficOptions,
  { service, cluster }: { readonly service: string; readonly cluster: string },
  signal: AbortSignal,
): Promise<void> {
  let cursor = '';
  let current = identity();
  const channel = new ExtensionChannel(current, port);
  while (!signal.aborted) {
    if (identity() !== current) {
      current = identity();
      channel.useIdentity(current);
    }
    const call = { service, cluster, method: 'GET', path: `/traffic/${cursor}`, body: '', ...LIMITS };
    const answer = await channel.send(call, signal).catch(() => undefined);
    const response = answer?.status === 200 ? TrafficResponse.safeParse(parseJson(answer.text)).data : undefined;
    if (response === undefined) {
      await sleep(answer?.status === 404 ? OLD_RETRY_MS : RETRY_MS, signal);
      continue;
    }
    cursor = response.cursor;
    for (const report of response.reports) recorder.record(cluster, report);
  }
}
