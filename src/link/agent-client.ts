import { Agent } from 'node:https';
import type { BriefVersion, Offering } from '../in-place/agent.ts';
import type { Report } from '../in-place/offers.ts';
import { HELD_TIMEOUT_MS, send } from './call.ts';
import { extensionName, type Identity } from './names.ts';

export interface AgentClientOptions {
  readonly identity: Identity;
  readonly cluster: string;
  /** Name of the extension's service. */
  readonly service: string;
  readonly port: number;
}

/** The agents' end of the control channel. */
export function createAgentClient({ identity, cluster, service, port }: AgentClientOptions): Offering {
  const agent = new Agent({ ...identity, keepAlive: true, minVersion: 'TLSv1.3' });
  return {
    async next(report: Report, known: readonly string[], signal: AbortSignal): Promise<BriefVersion | undefined> {
      const { status, text } = await send(
        {
          host: service,
          port,
          agent,
          servername: extensionName(cluster),
          method: 'POST',
          path: '/report',
          body: JSON.stringify({ ...report, known }),
          timeoutMs: HELD_TIMEOUT_MS,
        },
        signal,
      );
      if (status === 204) return undefined;
      if (status !== 200) throw new Error(`The extension answers ${status}: ${text.slice(0, 300)}`);
      return JSON.parse(text) as BriefVersion;
    },
  };
}
