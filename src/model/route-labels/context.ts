import type { ClusterFacts, ReadSecret } from '../features/feature.ts';
import type { ServiceContext } from '../parse-service.ts';
import type { ReadSecrets } from '../secrets/encrypted-secrets.ts';

/** The context of one route. */
export interface RouteContext extends ServiceContext {
  /** Undefined if no such service cluster exists. */
  readonly cluster: ClusterFacts | undefined;
  /** What jobs have read for the proxies; undefined if Swarm mounts secrets. */
  readonly read: ReadSecrets | undefined;
  readonly readSecret: ReadSecret;
  /** Secrets that labels of this route name. */
  readonly namedSecrets: string[];
}
