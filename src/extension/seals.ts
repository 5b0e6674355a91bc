import { Recent } from '../lib/recent.ts';
import type { ConfigurationFile, Seal, Version } from '../model/version.ts';
import type { Identity } from '../protocol/names.ts';
import { contentHash, sealVersion } from '../protocol/seal.ts';

const KEPT_SEALS = 3;

/** Signs versions, each once for all replicas. */
export class Seals {
  readonly #identity: Identity;
  readonly #seals = new Recent<Seal>(KEPT_SEALS);

  constructor(identity: Identity) {
    this.#identity = identity;
  }

  of(boot: string, { version, files }: Version): Seal {
    const name = `${boot} ${version}`;
    const known = this.#seals.get(name);
    if (known) return known;
    const hashed = files.map((file) => ({ path: file.path, hash: hashOf(file) }));
    const seal = sealVersion(this.#identity, { boot, version, files: hashed });
    this.#seals.set(name, seal);
    return seal;
  }
}

const hashes = new WeakMap<ConfigurationFile, string>();

/** Cached, because most files are the same as in the previous version. */
function hashOf(file: ConfigurationFile): string {
  const hash = hashes.get(file) ?? contentHash(file.text);
  hashes.set(file, hash);
  return hash;
}
