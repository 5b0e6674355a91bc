import { type Authority, expiry, issueIdentity } from '../protocol/certificates.ts';
import { controllerName, type Identity } from '../protocol/names.ts';

/** An identity is renewed this long before it expires. */
export const RENEWAL_MS = 180 * 24 * 3_600_000;

/**
 * An identity that the controller issues for itself in memory. Its secret contains the CA's key, so the stored certificate never needs
 * renewal. Peers check the CA and the name.
 */
export class RenewedIdentity {
  readonly #authority: Authority;
  readonly #name: string;
  readonly #aliases: readonly string[];
  readonly #now: () => number;
  #current: Identity | undefined;
  #expiresAt = 0;

  private constructor(authority: Authority, name: string, aliases: readonly string[], now: () => number) {
    this.#authority = authority;
    this.#name = name;
    this.#aliases = aliases;
    this.#now = now;
  }

  static async issue(authority: Authority, now: () => number, name = controllerName, aliases: readonly string[] = []) {
    const identity = new RenewedIdentity(authority, name, aliases, now);
    await identity.renew();
    return identity;
  }

  get current(): Identity {
    if (this.#current === undefined) throw new Error('No identity issued');
    return this.#current;
  }

  /** Resolves to true if the identity was renewed. */
  async renew(): Promise<boolean> {
    if (this.#expiresAt - this.#now() > RENEWAL_MS) return false;
    this.#current = await issueIdentity(this.#authority, this.#name, this.#now(), this.#aliases);
    this.#expiresAt = expiry(this.#current.cert).getTime();
    return true;
  }
}
