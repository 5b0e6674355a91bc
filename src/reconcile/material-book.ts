import { memoizeLast } from '../lib/memo.ts';
import { judgementTime, type Material, type SecretFacts } from '../model/material.ts';
import type { Cluster } from '../model/settings.ts';
import type { Snapshot } from '../model/snapshot.ts';
import type { Renderer } from './ports.ts';

/**
 * What proxies have told of secrets. Kept for as long as the secret lives, whoever tells of it: an extension that starts anew knows nothing for
 * a while, and a verdict must not change for that.
 */
export class MaterialBook {
  readonly #renderer: Renderer;
  /** By id: content never changes under one id, but may under one name. */
  readonly #known = new Map<string, SecretFacts>();
  #facts: ReadonlyMap<string, SecretFacts> = new Map();
  readonly #material = memoizeLast(
    (facts: ReadonlyMap<string, SecretFacts>, now: number): Material => ({ facts, now }),
  );

  constructor(renderer: Renderer) {
    this.#renderer = renderer;
  }

  /** The same object as before, while verdicts are the same. */
  read(clusters: readonly Cluster[], snapshot: Snapshot, now: number): Material {
    const names = new Map(snapshot.secrets.map(({ id, name }) => [id, name]));
    const isChanged = [this.#note(clusters, snapshot, names), this.#forget(names)].includes(true);
    if (isChanged) this.#facts = new Map([...this.#known].map(([id, facts]) => [names.get(id)!, facts]));
    return this.#material(this.#facts, judgementTime(this.#facts, now));
  }

  #note(clusters: readonly Cluster[], { owned }: Snapshot, names: ReadonlyMap<string, string>): boolean {
    let isChanged = false;
    for (const { settings, name: cluster } of clusters) {
      const told = new Map(this.#renderer.replicas(settings.ServiceName)?.secrets.map((facts) => [facts.name, facts]));
      const proxies = owned.filter((service) => service.role === 'proxy' && service.cluster === cluster);
      for (const id of proxies.flatMap(({ secretIds }) => secretIds)) {
        const facts = told.get(names.get(id) ?? '');
        if (facts === undefined || JSON.stringify(facts) === JSON.stringify(this.#known.get(id))) continue;
        this.#known.set(id, facts);
        isChanged = true;
      }
    }
    return isChanged;
  }

  #forget(names: ReadonlyMap<string, string>): boolean {
    const gone = [...this.#known.keys()].filter((id) => !names.has(id));
    for (const id of gone) this.#known.delete(id);
    return gone.length > 0;
  }
}
