import type { Logger } from '../lib/logger.ts';
import type { Credentials, Renderer, Swarm } from './ports.ts';
import type { Attempts } from './rollout.ts';

/** What every step of a cluster's pass needs. */
export interface ClusterOptions {
  readonly swarm: Swarm;
  readonly renderer: Renderer;
  readonly credentials: Credentials;
  readonly logger: Logger;
  readonly now: () => number;
  readonly attempts: Attempts;
  /** Versions that clusters are held at, by name of the cluster. */
  readonly held: Readonly<Record<string, string>>;
}
