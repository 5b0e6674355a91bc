import { foreignIds } from '../../model/foreign-secrets.ts';
import { foreignLabel } from '../../model/names.ts';
import type { OwnedService, Snapshot } from '../../model/snapshot.ts';
import type { ClusterOptions } from './cluster-options.ts';

/**
 * Records which secrets proxies have found to contain no TLS material, before these are detached. Without the secrets no proxy could report it again,
 * and a restarted controller would attach and detach them endlessly. Restarts nothing. Returns true if it had to be written.
 */
export async function rememberForeign(
  proxy: OwnedService,
  found: readonly string[],
  { secrets }: Snapshot,
  { swarm, logger }: ClusterOptions,
  signal: AbortSignal,
): Promise<boolean> {
  const known = foreignIds(proxy);
  const added = found.filter((id) => !known.includes(id));
  if (added.length === 0) return false;
  const names = new Map(secrets.map(({ id, name }) => [id, name]));
  const ids = [...known, ...added].filter((id) => names.has(id));
  await swarm.labelService(proxy, { [foreignLabel]: ids.join(' ') }, signal);
  const refused = added.map((id) => names.get(id));
  logger.warn({ cluster: proxy.cluster, secrets: refused }, 'Detaching secrets without TLS material');
  return true;
}
