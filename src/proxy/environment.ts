import { variables } from '../model/own-services/variables.ts';

/**
 * A proxy's environment variables, set on its service: see agentParts() in model/own-services/owned-service.ts. Read without the library that the other programs
 * use, which would take a sixth of the agent's memory.
 */
export interface AgentEnvironment {
  readonly cluster: string;
  /** Name of the extension's service. */
  readonly extension: string;
  /** Virtual address of that service; undefined if it has none. */
  readonly extensionAddress: string | undefined;
  /** Encoded permissions, see nginx-text/permissions.ts; undefined if there are none. */
  readonly allowedText: string | undefined;
  /** Subnets of the network on which metrics are served without a token; none if they are not. */
  readonly metricsSubnets: readonly string[];
  /** Version that Swarm started the task for. */
  readonly boot: string;
  readonly task: string;
  readonly reloadIntervalMs: number;
}

/** Path of the configuration that the task was started for. */
export function configPath(): string {
  return process.env[variables.configPath] ?? '/etc/nginx/nginx.conf';
}

/** Undefined if no agent should run: `HitlessServiceUpdate = false`, or a container that was started manually. */
export function readAgentEnvironment(): AgentEnvironment | undefined {
  if (process.env[variables.extension] === undefined) return undefined;
  const reloadIntervalMs = Number(variable(variables.reloadIntervalMs));
  if (!Number.isFinite(reloadIntervalMs)) throw new Error(`${variables.reloadIntervalMs} is not a number`);
  return {
    cluster: variable(variables.cluster),
    extension: variable(variables.extension),
    extensionAddress: process.env[variables.extensionAddress],
    allowedText: process.env[variables.allowedText],
    metricsSubnets: process.env[variables.metricsSubnets]?.split(' ') ?? [],
    boot: variable(variables.boot),
    task: variable(variables.task),
    reloadIntervalMs,
  };
}

function variable(name: string): string {
  const value = process.env[name];
  if (value === undefined) throw new Error(`${name} is missing`);
  return value;
}
