import { isIPv6 } from 'node:net';
import { plainAddress } from '../../lib/plain-address.ts';

const ATTEMPTS = 5;
const WINDOW_MS = 60_000;
/** An attacker may have many addresses. */
const ATTEMPTS_OF_ALL = 50;
const TRUST_MS = 24 * 3_600_000;
const MAX_TRUSTED = 10_000;

/** Not allowed yet; try again after this time. */
export interface Held {
  readonly waitSeconds: number;
}

/** An attempt counts as failed from its start until `succeed` is called. */
export interface Attempt {
  readonly succeed: () => void;
}

/**
 * Limits sign-in attempts by client address, and those of all addresses together. An attempt counts before its password is verified,
 * so that parallel attempts cannot exceed the limits. The limit for all addresses does not apply to an address that recently signed in.
 */
export class SignInAttempts {
  readonly #now: () => number;
  #counted: { readonly client: string; readonly at: number }[] = [];
  /** When a client last signed in; the oldest first. */
  readonly #trusted = new Map<string, number>();

  constructor(now: () => number) {
    this.#now = now;
  }

  begin(address: string): Attempt | Held {
    const now = this.#now();
    const client = clientOf(address);
    this.#counted = this.#counted.filter(({ at }) => now - at < WINDOW_MS);
    const own = this.#counted.filter((attempt) => attempt.client === client);
    if (own.length >= ATTEMPTS) return heldUntil(own.at(-ATTEMPTS)!.at + WINDOW_MS, now);
    if (this.#counted.length >= ATTEMPTS_OF_ALL && !this.#isTrusted(client))
      return heldUntil(this.#counted.at(-ATTEMPTS_OF_ALL)!.at + WINDOW_MS, now);
    const attempt = { client, at: now };
    this.#counted.push(attempt);
    return {
      succeed: () => {
        this.#counted = this.#counted.filter((other) => other !== attempt);
        this.#trust(client);
      },
    };
  }

  #isTrusted(client: string): boolean {
    const at = this.#trusted.get(client);
    return at !== undefined && this.#now() - at < TRUST_MS;
  }

  #trust(client: string): void {
    this.#trusted.delete(client);
    this.#trusted.set(client, this.#now());
    if (this.#trusted.size > MAX_TRUSTED) this.#trusted.delete(this.#trusted.keys().next().value!);
  }
}

function heldUntil(end: number, now: number): Held {
  return { waitSeconds: Math.max(1, Math.ceil((end - now) / 1000)) };
}

/** An IPv4 address, or the network /64 of an IPv6 address: one client has all addresses in it. */
export function clientOf(address: string): string {
  const plain = plainAddress(address);
  if (!isIPv6(plain)) return plain;
  const [head = '', tail] = new URL(`http://[${plain}]`).hostname.slice(1, -1).split('::');
  const groups = head === '' ? [] : head.split(':');
  const rest = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = tail === undefined ? [] : Array.from({ length: 8 - groups.length - rest.length }, () => '0');
  return `${[...groups, ...zeros, ...rest].slice(0, 4).join(':')}::/64`;
}
