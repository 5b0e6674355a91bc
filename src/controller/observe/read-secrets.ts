import { memoizeLast, sameItems } from '../../lib/memo.ts';
import { publicKeyLabel } from '../../model/names.ts';
import { fromConfig, isFor, type ReadSecret, type ReadSecrets } from '../../model/secrets/encrypted-secrets.ts';
import type { Cluster } from '../../model/settings/clusters.ts';
import type { Snapshot, StoredObject } from '../../model/snapshot.ts';
import type { Credentials, Swarm } from '../ports.ts';

/** The secrets that jobs have read for the proxies. Their configs never change, so each is read once. */
export class ReadSecretsBook {
  readonly #swarm: Pick<Swarm, 'readConfig'>;
  readonly #credentials: Pick<Credentials, 'find' | 'isSigned'>;
  /** By ID of the config; undefined if it is not valid. */
  readonly #known = new Map<string, ReadSecret | undefined>();
  #last: ReadonlyMap<string, ReadSecrets> = new Map();
  readonly #lists = new Map<string, (...read: readonly ReadSecret[]) => ReadSecrets>();

  constructor(swarm: Pick<Swarm, 'readConfig'>, credentials: Pick<Credentials, 'find' | 'isSigned'>) {
    this.#swarm = swarm;
    this.#credentials = credentials;
  }

  /** By service cluster; absent where Swarm mounts secrets. The same object while nothing has changed. */
  async read(clusters: readonly Cluster[], snapshot: Snapshot): Promise<ReadonlyMap<string, ReadSecrets>> {
    const inPlace = clusters.filter(({ deliversInPlace }) => deliversInPlace);
    const configs = inPlace.map((cluster) => this.#configsOf(cluster, snapshot));
    await Promise.all(inPlace.map(({ name }, position) => this.#readNew(name, configs[position]!)));
    const present = new Set(configs.flat().map(({ id }) => id));
    for (const id of this.#known.keys()) if (!present.has(id)) this.#known.delete(id);
    const lists = inPlace.map(({ name }, position) => this.#listOf(name, configs[position]!));
    const names = inPlace.map(({ settings }) => settings.ServiceCluster);
    const isSame = sameItems([...this.#last.keys()], names) && sameItems([...this.#last.values()], lists);
    if (!isSame) this.#last = new Map(names.map((name, position) => [name, lists[position]!]));
    return this.#last;
  }

  #configsOf({ name }: Cluster, { configs, secrets }: Snapshot): readonly StoredObject[] {
    const { publicKey } = this.#credentials.find('proxy', name, secrets);
    return publicKey === undefined ? [] : configs.filter((config) => isFor(name, publicKey, config));
  }

  #listOf(cluster: string, configs: readonly StoredObject[]): ReadSecrets {
    const read = configs.flatMap(({ id }) => this.#known.get(id) ?? []);
    const list =
      this.#lists.get(cluster) ??
      memoizeLast((...read: readonly ReadSecret[]): ReadSecrets => new Map(read.map((one) => [one.id, one])));
    this.#lists.set(cluster, list);
    return list(...read);
  }

  async #readNew(cluster: string, configs: readonly StoredObject[]): Promise<void> {
    const unknown = configs.filter(({ id }) => !this.#known.has(id));
    const read = async ({ id, labels }: StoredObject) => {
      const data = await this.#swarm.readConfig(id);
      const { isSigned } = this.#credentials;
      this.#known.set(id, fromConfig(cluster, labels[publicKeyLabel] ?? '', data, isSigned));
    };
    await Promise.all(unknown.map(read));
  }
}
