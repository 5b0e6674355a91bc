import type { Logger } from '../../lib/logger.ts';
import type { TextChecks } from '../../nginx-text/check-text.ts';
import type { Credentials, Renderer, Swarm } from './ports.ts';
import type { Attempts } from './rollout.ts';
import type { SpreadBook } from './spread-book.ts';
import type { Timeline } from './timeline.ts';

/** What each step of a cluster's pass requires. */
export interface ClusterOptions {
  readonly swarm: Swarm;
  readonly renderer: Renderer;
  readonly credentials: Credentials;
  readonly logger: Logger;
  readonly now: () => number;
  readonly attempts: Attempts;
  readonly timeline: Timeline;
  readonly textChecks: TextChecks;
  readonly spreadBook: SpreadBook;
  /** The time of the first event that this pass handles. */
  readonly seenAt: number;
  /** Versions at which clusters are held, by name of the cluster. */
  readonly held: Readonly<Record<string, string>>;
}
