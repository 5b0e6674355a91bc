import { sleep } from '../../lib/sleep.ts';
import { extensionPort } from '../../model/names.ts';
import { HELD_TIMEOUT_MS, SILENCE_MS, send } from '../../protocol/call.ts';
import { ExtensionAgent } from '../../protocol/extension-agent.ts';
import { extensionName, type Identity } from '../../protocol/names.ts';
import { TrafficResponse } from '../../protocol/traffic-messages.ts';
import type { TrafficRecorder } from './traffic-recorder.ts';

const RETRY_MS = 1000;
/** An extension of an earlier release does not have the reports. */
const OLD_RETRY_MS = 30_000;
const MAX_BYTES = 32 * 1024 * 1024;

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
  let agent = new ExtensionAgent({ identity: current });
  while (!signal.aborted) {
    if (identity() !== current) {
      current = identity();
      agent.destroy();
      agent = new ExtensionAgent({ identity: current });
    }
    const channel = { host: service, port, agent, servername: extensionName(cluster) };
    const limits = { timeoutMs: HELD_TIMEOUT_MS, silenceMs: SILENCE_MS, maxBytes: MAX_BYTES };
    const call = { ...channel, ...limits, method: 'GET', path: `/traffic/${cursor}`, body: '' };
    const answer = await send(call, signal).catch(() => undefined);
    const response = answer?.status === 200 ? parse(answer.text) : undefined;
    if (response === undefined) {
      await sleep(answer?.status === 404 ? OLD_RETRY_MS : RETRY_MS, signal);
      continue;
    }
    cursor = response.cursor;
    for (const report of response.reports) recorder.record(cluster, report);
  }
  agent.destroy();
}

/** Undefined if the extension sent something else. */
function parse(text: string): TrafficResponse | undefined {
  try {
    return TrafficResponse.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}
