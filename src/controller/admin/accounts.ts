import { createHash, timingSafeEqual } from 'node:crypto';
import { Limiter } from '../../lib/limiter.ts';
import type { Role } from '../../model/access/roles.ts';
import { isPassword, type PasswordHash, unknownHash } from './password-hash.ts';
import type { NamedUser } from './users.ts';

export interface AccountsOptions {
  readonly adminPassword: string;
  readonly viewerPassword: string;
  readonly users?: readonly NamedUser[];
}

interface Account {
  readonly name: string;
  readonly role: Role;
  /** Changes with the role or the password. */
  readonly fingerprint: string;
}

/** Verifying a password takes 32 MB or more. */
const AT_A_TIME = 2;
const WAITING = 16;

/** The accounts with passwords: `admin`, `viewer`, and the users of the users' secret. */
export class Accounts {
  readonly #builtIn: Readonly<Record<string, Account & { readonly password: string }>>;
  readonly #users: ReadonlyMap<string, NamedUser>;
  readonly #unknown: PasswordHash | undefined;
  readonly #limiter = new Limiter(AT_A_TIME, WAITING);

  constructor({ adminPassword, viewerPassword, users = [] }: AccountsOptions) {
    this.#builtIn = {
      admin: { name: 'admin', role: 'administrator', fingerprint: '', password: adminPassword },
      viewer: { name: 'viewer', role: 'viewer', fingerprint: '', password: viewerPassword },
    };
    this.#users = new Map(users.map((user) => [user.name, user]));
    this.#unknown = users.length === 0 ? undefined : unknownHash(Math.max(...users.map(({ hash }) => hash.cost)));
  }

  find(name: string): Account | undefined {
    if (Object.hasOwn(this.#builtIn, name)) return this.#builtIn[name];
    const user = this.#users.get(name);
    return user && { name, role: user.role, fingerprint: digest(`${user.role}:${user.text}`).toString('base64url') };
  }

  /** Returns the account if the password is correct; `busy` if too many passwords are being verified. */
  async verify(name: string, password: string): Promise<Account | 'busy' | undefined> {
    const account = this.find(name);
    if (account !== undefined && Object.hasOwn(this.#builtIn, name))
      return sameText(password, this.#builtIn[name]!.password) ? account : undefined;
    // Always verified, so that response times do not reveal which names exist.
    const hash = this.#users.get(name)?.hash ?? this.#unknown;
    if (hash === undefined) return undefined;
    const verified = this.#limiter.run(() => isPassword(password, hash));
    if (verified === undefined) return 'busy';
    return (await verified) ? account : undefined;
  }

  get all(): readonly Pick<Account, 'name' | 'role'>[] {
    return [...Object.values(this.#builtIn), ...this.#users.values()].map(({ name, role }) => ({ name, role }));
  }
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

function sameText(a: string, b: string): boolean {
  return timingSafeEqual(digest(a), digest(b));
}
