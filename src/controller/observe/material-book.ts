import { memoizeLast } from '../../lib/memo.ts';
import type { ReadSecrets } from '../../model/secrets/encrypted-secrets.ts';
import { foreignIds } from '../../model/secrets/foreign-secrets.ts';
import { judgmentTime } from '../../model/secrets/judge-secrets.ts';
import type { Material } from '../../model/secrets/material.ts';
import { foreignFacts, type SecretFacts } from '../../model/secrets/secret-facts.ts';
import { secretFile } from '../../model/secrets/secret-files.ts';
import type { Cluster } from '../../model/settings/clusters.ts';
import type { Snapshot } from '../../model/snapshot.ts';
import type { Renderer } from '../ports.ts';

type Facts = Required<Pick<Material, 'facts' | 'byCluster'>>;

/**
 * Facts about secrets from the proxies' reports. They are kept as long as the secret exists: a restarted extension knows nothing for a while, and
 * verdicts must not change because of that.
 */
export class MaterialBook {
  readonly #renderer: Renderer;
  /** By service cluster, then by ID: content never changes under one ID, but may under one name. */
  readonly #reported = new Map<string, ReadonlyMap<string, SecretFacts>>();
  #facts: Facts = { facts: new Map(), byCluster: new Map() };
  readonly #material = memoizeLast(
    (facts: Facts, read: ReadonlyMap<string, ReadSecrets>, now: number): Material => ({ ...facts, read, now }),
  );

  constructor(renderer: Renderer) {
    this.#renderer = renderer;
  }

  /** Returns the same object while the verdicts are the same. */
  read(
    clusters: readonly Cluster[],
    snapshot: Snapshot,
    now: number,
    read: ReadonlyMap<string, ReadSecrets> = NOTHING_READ,
  ): Material {
    const names = new Map(snapshot.secrets.map(({ id, name }) => [id, name]));
    const isChanged = [this.#note(clusters, snapshot, names, read), this.#forget(names)].includes(true);
    if (isChanged) this.#facts = this.#collect(names);
    return this.#material(this.#facts, read, judgmentTime([...this.#facts.byCluster.values()], now));
  }

  #collect(names: ReadonlyMap<string, string>): Facts {
    const byCluster = new Map(
      [...this.#reported].map(([cluster, reported]) => [
        cluster,
        new Map([...reported].map(([id, facts]) => [names.get(id)!, facts])),
      ]),
    );
    return { facts: new Map([...byCluster.values()].flatMap((facts) => [...facts])), byCluster };
  }

  #note(
    clusters: readonly Cluster[],
    { owned }: Snapshot,
    names: ReadonlyMap<string, string>,
    read: ReadonlyMap<string, ReadSecrets>,
  ): boolean {
    let isChanged = false;
    for (const { settings, name: cluster } of clusters) {
      const updated = new Map(this.#reported.get(settings.ServiceCluster));
      this.#reported.set(settings.ServiceCluster, updated);
      const reported = new Map(
        this.#renderer.reports(settings.ServiceName)?.secrets.map((facts) => [facts.name, facts]),
      );
      isChanged = this.#noteRead(updated, reported, read.get(settings.ServiceCluster)) || isChanged;
      const proxies = owned.filter((service) => service.role === 'proxy' && service.cluster === cluster);
      // Found by a proxy before this controller started. Any service can carry our labels, but only one can have the
      // name.
      const real = proxies.find(({ name }) => name === settings.ProxyServiceName);
      const noted = real === undefined ? [] : foreignIds(real);
      for (const id of noted.filter((id) => names.has(id) && !updated.has(id))) {
        updated.set(id, foreignFacts(names.get(id)!));
        isChanged = true;
      }
      for (const id of proxies.flatMap(({ secretIds }) => secretIds)) {
        const facts = reported.get(names.get(id) ?? '');
        if (facts === undefined || JSON.stringify(facts) === JSON.stringify(updated.get(id))) continue;
        updated.set(id, facts);
        isChanged = true;
      }
    }
    return isChanged;
  }

  /** What jobs have read, completed by what proxies report about the files that they have decrypted. */
  #noteRead(
    updated: Map<string, SecretFacts>,
    reported: ReadonlyMap<string, SecretFacts>,
    read: ReadSecrets = new Map(),
  ): boolean {
    let isChanged = false;
    const names = new Map([...read.values()].map(({ id, facts: { name } }) => [secretFile({ id, name }), name]));
    for (const { id, facts } of read.values()) {
      const report = reported.get(secretFile({ id, name: facts.name }));
      const before = updated.get(id);
      const now = report === undefined ? (before ?? facts) : withNames(report, facts.name, names);
      if (JSON.stringify(now) === JSON.stringify(before)) continue;
      updated.set(id, now);
      isChanged = true;
    }
    return isChanged;
  }

  #forget(names: ReadonlyMap<string, string>): boolean {
    let isChanged = false;
    for (const [cluster, reported] of this.#reported) {
      const kept = new Map([...reported].filter(([id]) => names.has(id)));
      isChanged ||= kept.size < reported.size;
      this.#reported.set(cluster, kept);
    }
    return isChanged;
  }
}

const NOTHING_READ: ReadonlyMap<string, ReadSecrets> = new Map();

/** Proxies report names of files. */
function withNames(report: SecretFacts, name: string, names: ReadonlyMap<string, string>): SecretFacts {
  return { ...report, name, stapledWith: report.stapledWith.flatMap((file) => names.get(file) ?? []) };
}
