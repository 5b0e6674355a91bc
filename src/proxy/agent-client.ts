import { randomBytes } from 'node:crypto';
import type { TrafficReport } from '../model/traffic.ts';
import type { AgentReport } from '../model/version.ts';
import { versionFault } from '../model/version-digest.ts';
import { HELD_TIMEOUT_MS, SILENCE_MS, send } from '../protocol/call.ts';
import { ExtensionAgent } from '../protocol/extension-agent.ts';
import { extensionName, type Identity } from '../protocol/names.ts';
import { type BriefVersion, InvalidVersionError, type Offering } from './ports.ts';
import type { TrafficReceiver } from './report-traffic.ts';

export interface AgentClientOptions {
  readonly identity: Identity;
  readonly cluster: string;
  /** Name of the extension's service. */
  readonly service: string;
  /** Virtual address of that service. Network aliases cannot change it. */
  readonly address?: string | undefined;
  readonly port: number;
}

const TRAFFIC_TIMEOUT_MS = 10_000;

/** The agent side of the control channel. */
export function createAgentClient(options: AgentClientOptions): Offering & TrafficReceiver {
  const { identity, cluster, service, address, port } = options;
  const agent = new ExtensionAgent({ identity, address });
  const instance = randomBytes(16).toString('hex');
  const channel = { host: service, port, agent, servername: extensionName(cluster), method: 'POST' };
  return {
    async sendTraffic(task: string, report: TrafficReport, signal: AbortSignal): Promise<boolean> {
      const body = JSON.stringify({ ...report, task, instance });
      const call = { ...channel, path: '/traffic', body, timeoutMs: TRAFFIC_TIMEOUT_MS, silenceMs: SILENCE_MS };
      const { status } = await send(call, signal);
      if (status === 404) return false;
      if (status !== 204) throw new Error(`The extension returned ${status}`);
      return true;
    },
    async next(report: AgentReport, known: readonly string[], signal: AbortSignal): Promise<BriefVersion | undefined> {
      const { status, text } = await send(
        {
          ...channel,
          path: '/report',
          body: JSON.stringify({ ...report, known, instance }),
          timeoutMs: HELD_TIMEOUT_MS,
          silenceMs: SILENCE_MS,
        },
        signal,
      );
      if (status === 204) return undefined;
      if (status !== 200) throw new Error(`The extension returned ${status}: ${text.slice(0, 300)}`);
      const offered = JSON.parse(text) as BriefVersion;
      const fault = versionFault(cluster, offered.version, offered.files);
      if (fault !== undefined) throw new InvalidVersionError(fault);
      return offered;
    },
  };
}
