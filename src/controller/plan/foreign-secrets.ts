import { foreignLabel } from '../../model/names.ts';
import { foreignIds } from '../../model/secrets/foreign-secrets.ts';
import type { RecordForeign } from './actions.ts';
import type { Observed } from './observed.ts';

/**
 * Records which secrets proxies have found to contain no TLS material, before these are detached. Without the secrets no proxy could report it again,
 * and a restarted controller would attach and detach them endlessly. Restarts nothing.
 */
export function recordForeign(
  found: readonly string[],
  { proxy, snapshot: { secrets } }: Pick<Observed, 'proxy' | 'snapshot'>,
): RecordForeign[] {
  if (proxy === undefined) return [];
  const { service } = proxy;
  const recorded = foreignIds(service);
  const added = found.filter((id) => !recorded.includes(id));
  if (added.length === 0) return [];
  const names = new Map(secrets.map(({ id, name }) => [id, name]));
  const ids = [...recorded, ...added].filter((id) => names.has(id));
  const labels = { [foreignLabel]: ids.join(' ') };
  return [{ kind: 'record-foreign', service, labels, found: added.map((id) => names.get(id) ?? id) }];
}
