import type { SecretFacts } from '../model/secrets/secret-facts.ts';
import { mountedSecretsFolder, secretsFolder } from '../model/secrets/secret-files.ts';
import { checkWithNginx } from '../nginx/check.ts';
import { factsThatFit, inspectOnce, inspectSecrets } from '../tls-material/inspect-secrets.ts';
import { confirmPairs } from './nginx/confirm-pairs.ts';

/** URL of the OCSP responder, by the certificate's secret. */
export type Responders = ReadonlyMap<string, string>;

export interface TaskSecretsOptions {
  /** Files that are not the secrets of services. */
  readonly isOurs: (name: string) => boolean;
  /** The ciphers that the configuration sets; empty if it sets none. */
  readonly ciphers: string;
  readonly onUnreported: (names: readonly string[]) => void;
  /** Certificates whose OCSP responders nginx reaches through the agent. */
  readonly serveResponders: (responders: Responders) => Promise<void>;
}

/** Facts about the secrets that this task has: those that Swarm mounts, and those that versions bring. */
export class TaskSecrets {
  readonly #options: TaskSecretsOptions;
  readonly #inspect = inspectOnce();
  /** Pairs that nginx has accepted, by folder. */
  readonly #accepted = new Map([mountedSecretsFolder, secretsFolder].map((folder) => [folder, new Set<string>()]));
  facts: readonly SecretFacts[] = [];
  onChange: (() => void) | undefined;

  constructor(options: TaskSecretsOptions) {
    this.#options = options;
  }

  async inspect(): Promise<void> {
    const { isOurs, ciphers, onUnreported, serveResponders } = this.#options;
    const mounted = await this.#confirmed(mountedSecretsFolder, isOurs, ciphers);
    const brought = await this.#confirmed(secretsFolder, () => false, ciphers);
    const all = [...mounted, ...brought];
    const facts = factsThatFit(all);
    if (facts.length < all.length) onUnreported(all.slice(facts.length).map(({ name }) => name));
    if (JSON.stringify(facts) === JSON.stringify(this.facts)) return;
    const stapled = facts.filter(({ stapledWith }) => stapledWith.length > 0);
    // Before the facts are reported: nginx may be configured to staple as soon as they are known.
    if (stapled.length > 0)
      await serveResponders(new Map(stapled.map(({ name, certificates }) => [name, certificates[0]!.responder])));
    this.facts = facts;
    this.onChange?.();
  }

  /** If nginx cannot confirm the pairs, Node's verdict is used. */
  async #confirmed(folder: string, isOurs: (name: string) => boolean, ciphers: string): Promise<SecretFacts[]> {
    const found = await inspectSecrets(folder, isOurs, undefined, this.#inspect);
    const accepted = this.#accepted.get(folder)!;
    return confirmPairs(found, checkWithNginx, { folder, ciphers, accepted }).catch(() => found);
  }
}
