import type { Server } from 'node:https';
import type { Logger } from '../lib/logger.ts';
import { type Authority, expiry, issueIdentity } from '../protocol/certificates.ts';
import { controllerName, type Identity } from '../protocol/names.ts';

/** An identity is renewed this long before it expires. */
export const RENEWAL_MS = 180 * 24 * 3_600_000;

const RENEWAL_CHECK_MS = 3_600_000;

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

export interface Renewing {
  readonly server: Server;
  readonly identity: RenewedIdentity;
  /** Name of the certificate in the log. */
  readonly name: 'Admin' | 'Metrics';
  readonly logger: Logger;
}

/** Applies to new connections. Open ones continue. */
export function renewInTime({ server, identity, name, logger }: Renewing, signal: AbortSignal): void {
  const renew = async () => {
    if (!(await identity.renew())) return;
    const { cert, key } = identity.current;
    server.setSecureContext({ cert, key, minVersion: 'TLSv1.2' });
    logger.info(`Renewed ${name.toLowerCase()} certificate`);
  };
  const timer = setInterval(() => {
    renew().catch((error) => logger.error({ err: error }, `${name} certificate not renewed`));
  }, RENEWAL_CHECK_MS).unref();
  signal.addEventListener('abort', () => clearInterval(timer), { once: true });
}
