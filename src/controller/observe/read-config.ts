import type { StoredObject } from '../../model/snapshot.ts';
import type { Swarm } from '../ports.ts';

const texts = new WeakMap<StoredObject, string>();

/** Content of a Docker config. It never changes, so it is read only once. */
export async function readConfig(config: StoredObject, swarm: Swarm): Promise<string> {
  const text = texts.get(config) ?? (await swarm.readConfig(config.id));
  texts.set(config, text);
  return text;
}
