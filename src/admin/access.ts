import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { sign, verify } from 'hono/jwt';

export type Role = 'admin' | 'viewer';

export interface User {
  readonly name: string;
  readonly role: Role;
}

export interface AccessOptions {
  readonly adminPassword: string;
  readonly viewerPassword: string;
  /** Key of the controller; tokens outlive it, but not a change of a password. */
  readonly key: string;
  readonly now: () => number;
}

const LIFETIME_S = 12 * 3600;
const ATTEMPTS = 5;
const WINDOW_MS = 60_000;
/** Attackers have many addresses; there is one administrator. */
const ATTEMPTS_OF_ALL = 50;

/** Who may come in: `admin`, who may do everything, and `viewer`, who may only look. */
export class Access {
  readonly #passwords: Readonly<Record<Role, string>>;
  readonly #key: string;
  readonly #now: () => number;
  #failures: { readonly address: string; readonly at: number }[] = [];

  constructor({ adminPassword, viewerPassword, key, now }: AccessOptions) {
    this.#passwords = { admin: adminPassword, viewer: viewerPassword };
    this.#key = createHmac('sha256', key).update(JSON.stringify(this.#passwords)).digest('hex');
    this.#now = now;
  }

  /** Seconds that an address has to wait before its next attempt; 0 when it need not. */
  waitSeconds(address: string): number {
    const now = this.#now();
    this.#failures = this.#failures.filter(({ at }) => now - at < WINDOW_MS);
    const own = this.#failures.filter((failure) => failure.address === address);
    const held = own.length >= ATTEMPTS ? own : this.#failures;
    if (held === this.#failures && held.length < ATTEMPTS_OF_ALL) return 0;
    return Math.max(1, Math.ceil((held[0]!.at + WINDOW_MS - now) / 1000));
  }

  /** A token for the user, or undefined where name or password are wrong. */
  async login(username: string, password: string, address: string): Promise<string | undefined> {
    const role = toRole(username);
    // Compared in any case, so that time does not tell which names there are.
    const right = sameText(password, this.#passwords[role ?? 'admin']);
    if (role === undefined || !right) {
      this.#failures.push({ address, at: this.#now() });
      return undefined;
    }
    return sign({ sub: role, exp: Math.floor(this.#now() / 1000) + LIFETIME_S }, this.#key, 'HS256');
  }

  /** Whose token it is; undefined for one that is not ours, or has expired. */
  async identify(token: string): Promise<User | undefined> {
    try {
      const { sub, exp } = await verify(token, this.#key, { alg: 'HS256', exp: false });
      if (exp === undefined || exp * 1000 <= this.#now()) return undefined;
      const role = toRole(String(sub));
      return role === undefined ? undefined : { name: role, role };
    } catch {
      return undefined;
    }
  }
}

function toRole(name: string): Role | undefined {
  return name === 'admin' || name === 'viewer' ? name : undefined;
}

function sameText(a: string, b: string): boolean {
  const hash = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(hash(a), hash(b));
}
