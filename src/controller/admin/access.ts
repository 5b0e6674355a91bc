import { createHash, createHmac, randomBytes, randomUUID } from 'node:crypto';
import { sign, verify } from 'hono/jwt';
import type { Administration } from '../../model/access/administration.ts';
import type { ApiToken } from '../../model/access/api-tokens.ts';
import { type Role, roleSchema, type SignInMethod } from '../../model/access/roles.ts';
import { Accounts, type AccountsOptions } from './accounts.ts';
import { type Held, SignInAttempts } from './attempts.ts';

export interface User {
  readonly name: string;
  readonly role: Role;
  readonly via: SignInMethod;
  /** The only cluster that an API token is valid for. */
  readonly cluster?: string;
}

/** Starts with a sign-in. Times are in milliseconds since the epoch. */
export interface Session {
  readonly id: string;
  readonly user: User;
  /** Identifies the user. No two users have the same account, whichever way they sign in. */
  readonly account: string;
  readonly startedAt: number;
  readonly expiresAt: number;
}

export interface FailedSignIn {
  /** A known user; undefined if there is no such user. */
  readonly user: string | undefined;
  readonly address: string;
  /** The attempt was rejected without verifying the password. */
  readonly held: boolean;
}

export interface AccessOptions extends AccountsOptions {
  /** The controller's signing key. Tokens stay valid when the controller restarts, but not when a password changes. */
  readonly key: string;
  readonly now: () => number;
  /** API tokens, and ended sessions, including those of other controllers. */
  readonly decisions?: () => Pick<Administration, 'endedSessions' | 'sessionsEndedBefore' | 'tokens'>;
  /** Changes with the OpenID Connect settings, which ends the sessions that began with the old ones. Undefined without OpenID Connect. */
  readonly oidcFingerprint?: string | undefined;
  readonly onFailure?: (failed: FailedSignIn) => void;
}

/** The identity of a user confirmed by the OpenID provider. */
export interface Identity {
  readonly subject: string;
  readonly name: string;
  readonly role: Role;
}

const LIFETIME_MS = 12 * 3_600_000;
/** Secret scanners recognize tokens that were published by mistake by this prefix. */
const API_TOKEN_PREFIX = 'sbt_';

/** Each kind of token is accepted in one place only. */
type TokenKind = 'bearer' | 'cookie' | 'page' | 'flow';

export type SignIn =
  | { readonly kind: 'signed-in'; readonly session: Session }
  | { readonly kind: 'wrong' }
  | ({ readonly kind: 'held' } & Held);

/** Signs users in by password and identifies them by their tokens. */
export class Access {
  readonly accounts: Accounts;
  readonly attempts: SignInAttempts;
  readonly #options: AccessOptions;
  readonly #key: string;
  /** Sessions ended on this controller, by identifier, until they expire. */
  readonly #ended = new Map<string, number>();
  readonly #listeners = new Set<() => void>();

  constructor(options: AccessOptions) {
    const { adminPassword, viewerPassword, key, now } = options;
    const passwords = { admin: adminPassword, viewer: viewerPassword };
    this.#options = options;
    this.accounts = new Accounts(options);
    this.attempts = new SignInAttempts(now);
    this.#key = createHmac('sha256', key).update(JSON.stringify(passwords)).digest('hex');
  }

  async signIn(username: string, password: string, address: string): Promise<SignIn> {
    const user = this.accounts.find(username)?.name;
    const attempt = this.attempts.begin(address);
    if ('waitSeconds' in attempt) {
      this.noteFailure({ user, address, held: true });
      return { kind: 'held', ...attempt };
    }
    const account = await this.accounts.verify(username, password);
    if (account === 'busy') return { kind: 'held', waitSeconds: 1 };
    if (account === undefined) {
      this.noteFailure({ user, address, held: false });
      return { kind: 'wrong' };
    }
    attempt.succeed();
    const { name, role } = account;
    return { kind: 'signed-in', session: this.#begin({ name, role, via: 'password' }, name) };
  }

  /** Logs and records a failed sign-in. */
  noteFailure(failed: FailedSignIn): void {
    this.#options.onFailure?.(failed);
  }

  /** Begins a session for a user confirmed by the OpenID provider. */
  beginOidc({ subject, name, role }: Identity): Session {
    return this.#begin({ name, role, via: 'oidc' }, oidcAccount(subject));
  }

  bearerToken(session: Session): Promise<string> {
    return this.#token(session, 'bearer');
  }

  /**
   * Browsers send a cookie to all ports of a host, and any application there can read it. So the page receives a second token, which only scripts of
   * its own origin can read and which is valid for that origin only. Neither is valid without the other.
   */
  async browserTokens(session: Session, origin: string): Promise<{ readonly cookie: string; readonly page: string }> {
    return { cookie: await this.#token(session, 'cookie'), page: await this.#token(session, 'page', origin) };
  }

  /** Signs the data that the page keeps while its user is at the OpenID provider. Valid for the page's origin only. */
  sealFlow(flow: Readonly<Record<string, string>>, origin: string, lifetimeMs: number): Promise<string> {
    const exp = Math.floor((this.#options.now() + lifetimeMs) / 1000);
    return sign({ ...flow, kind: 'flow', aud: origin, exp }, this.#key, 'HS256');
  }

  /** Undefined if the token was not issued here, is for another origin, or has expired. */
  async openFlow(token: string, origin: string): Promise<Readonly<Record<string, unknown>> | undefined> {
    const claims = await this.#verify(token, 'flow', origin);
    return claims === undefined || Number(claims.exp) * 1000 <= this.#options.now() ? undefined : claims;
  }

  /** Accepts a session's bearer token or an API token. */
  async identifyBearer(token: string): Promise<Session | undefined> {
    return token.startsWith(API_TOKEN_PREFIX) ? this.#identifyApiToken(token) : this.#identify(token, 'bearer');
  }

  async identifyBrowser(cookie: string, page: string, origin: string): Promise<Session | undefined> {
    const session = await this.#identify(cookie, 'cookie');
    const other = await this.#identify(page, 'page', origin);
    return session?.id === other?.id ? session : undefined;
  }

  isOpen({ id, user, account, startedAt, expiresAt }: Session): boolean {
    if (expiresAt <= this.#options.now() || this.#ended.has(id)) return false;
    const { endedSessions, sessionsEndedBefore, tokens } = this.#decisions;
    if (user.via === 'token') return tokens.some((token) => token.id === id);
    const endedBefore = sessionsEndedBefore[account];
    if (endedBefore !== undefined && startedAt <= Date.parse(endedBefore)) return false;
    return !endedSessions.some((ended) => ended.id === id);
  }

  /** Ends a session: its tokens become invalid and its event streams are closed. */
  end({ id, expiresAt }: Pick<Session, 'id' | 'expiresAt'>): void {
    const now = this.#options.now();
    for (const [other, until] of this.#ended) {
      if (until <= now) this.#ended.delete(other);
    }
    this.#ended.set(id, expiresAt);
    for (const listener of this.#listeners) listener();
  }

  /** Calls back when a session ends on this controller. Returns a function that unsubscribes. */
  onEnd(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  get #decisions() {
    return this.#options.decisions?.() ?? { endedSessions: [], sessionsEndedBefore: {}, tokens: [] };
  }

  #begin(user: User, account: string): Session {
    const startedAt = this.#options.now();
    return { id: randomUUID(), user, account, startedAt, expiresAt: startedAt + LIFETIME_MS };
  }

  #identifyApiToken(token: string): Session | undefined {
    const hash = hashApiToken(token);
    const known = this.#decisions.tokens.find((other) => other.hash === hash);
    if (known === undefined) return undefined;
    const session = sessionOf(known);
    return this.isOpen(session) ? session : undefined;
  }

  #token({ id, user, account, startedAt, expiresAt }: Session, kind: TokenKind, aud?: string): Promise<string> {
    const { name, role, via } = user;
    const claims = { sub: account, name, role, via, fp: this.#fingerprint(via, account) };
    const times = { at: startedAt, exp: Math.floor(expiresAt / 1000) };
    return sign({ ...claims, ...times, sid: id, kind, ...(aud === undefined ? {} : { aud }) }, this.#key, 'HS256');
  }

  /** Undefined for a token that is invalid, of another kind or expired, if the user has changed since, or if the session has ended. */
  async #identify(token: string, kind: TokenKind, audience?: string): Promise<Session | undefined> {
    const claims = await this.#verify(token, kind, audience);
    const role = roleSchema.safeParse(claims?.role).data;
    if (claims === undefined || role === undefined) return undefined;
    const { sub: account, sid, at, exp, name, via, fp } = claims;
    if (typeof account !== 'string' || typeof sid !== 'string' || typeof name !== 'string') return undefined;
    if (typeof at !== 'number' || typeof exp !== 'number' || (via !== 'password' && via !== 'oidc')) return undefined;
    const current = this.#fingerprint(via, account);
    if (current === undefined || current !== fp) return undefined;
    const session = { id: sid, user: { name, role, via } as const, account, startedAt: at, expiresAt: exp * 1000 };
    return this.isOpen(session) ? session : undefined;
  }

  async #verify(token: string, kind: TokenKind, audience: string | undefined) {
    const claims: Record<string, unknown> | undefined = await verify(token, this.#key, {
      alg: 'HS256',
      exp: false,
    }).catch(() => undefined);
    return claims?.kind === kind && claims.aud === audience ? claims : undefined;
  }

  /** A session is valid only while this is unchanged; undefined if there is no such user. */
  #fingerprint(via: SignInMethod, account: string): string | undefined {
    return via === 'oidc' ? this.#options.oidcFingerprint : this.accounts.find(account)?.fingerprint;
  }
}

/** Creates an API token; only its hash is stored. */
export function createApiToken(): { readonly token: string; readonly hash: string } {
  const token = API_TOKEN_PREFIX + randomBytes(32).toString('base64url');
  return { token, hash: hashApiToken(token) };
}

function hashApiToken(token: string): string {
  return createHash('sha256').update(token).digest('base64url');
}

/** All requests with a token share one session, so that its event streams are counted together and end with it. */
function sessionOf({ id, name, role, cluster, createdAt, expiresAt }: ApiToken): Session {
  const user = { name, role, via: 'token' as const, ...(cluster === undefined ? {} : { cluster }) };
  const times = { startedAt: Date.parse(createdAt), expiresAt: Date.parse(expiresAt) };
  return { id, user, account: `token:${id}`, ...times };
}

/** User names contain no colon. Subjects are hashed, because they can be long and ended sessions are stored. */
function oidcAccount(subject: string): string {
  return `oidc:${createHash('sha256').update(subject).digest('base64url')}`;
}
