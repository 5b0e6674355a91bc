import type { StoredObject } from '../../model/snapshot.ts';
import type { Swarm } from './ports.ts';

const known = new WeakMap<StoredObject, string>();

/** Content of a Docker config. It never changes, so it is read only once. */
export async function readConfig(config: StoredObject, swarm: Swarm, signal: AbortSignal): Promise<string> {
  const text = known.get(config) ?? (await swarm.readConfig(config.id, signal));
  known.set(config, text);
  return text;
}
