/**
 * A proxy's environment variables, set on its service: see agentParts() in model/owned-service.ts. Read without the library that the other programs
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
  /** Version that Swarm started the task for. */
  readonly boot: string;
  readonly task: string;
  readonly reloadIntervalMs: number;
}

/** Path of the configuration that the task was started for. */
export function configPath(): string {
  return process.env.SIGNALBOX_CONFIG_PATH ?? '/etc/nginx/nginx.conf';
}

/** Undefined if no agent should run: `HitlessServiceUpdate = false`, or a container that was started manually. */
export function readAgentEnvironment(): AgentEnvironment | undefined {
  if (process.env.SIGNALBOX_EXTENSION === undefined) return undefined;
  const reloadIntervalMs = Number(variable('SIGNALBOX_RELOAD_INTERVAL_MS'));
  if (!Number.isFinite(reloadIntervalMs)) throw new Error('SIGNALBOX_RELOAD_INTERVAL_MS is not a number');
  return {
    cluster: variable('SIGNALBOX_CLUSTER'),
    extension: variable('SIGNALBOX_EXTENSION'),
    extensionAddress: process.env.SIGNALBOX_EXTENSION_ADDRESS,
    allowedText: process.env.SIGNALBOX_ALLOWED_TEXT,
    boot: variable('SIGNALBOX_BOOT'),
    task: variable('SIGNALBOX_TASK'),
    reloadIntervalMs,
  };
}

function variable(name: string): string {
  const value = process.env[name];
  if (value === undefined) throw new Error(`${name} is missing`);
  return value;
}
