import {
  allowInsecureRequests,
  authorizationCodeGrant,
  buildAuthorizationUrl,
  ClientSecretBasic,
  type Configuration,
  calculatePKCECodeChallenge,
  customFetch,
  discovery,
  enableNonRepudiationChecks,
  fetchUserInfo,
  None,
  randomNonce,
  randomPKCECodeVerifier,
  randomState,
} from 'openid-client';
import { digest } from '../../lib/digest.ts';
import { plainText } from '../../lib/plain-text.ts';
import { RetryableError } from '../../lib/retryable.ts';
import { highestRole, type Role } from '../../model/access/roles.ts';
import type { OidcSettings } from '../../model/settings/keys.ts';
import type { Identity } from './access.ts';
import { OIDC_RETURN_PATH } from './known-routes.ts';
import { oidcFetch } from './oidc-fetch.ts';

export interface OidcOptions {
  readonly settings: OidcSettings;
  /** Undefined for a public client, which has no secret. */
  readonly clientSecret?: string | undefined;
  /** CA of the provider's certificate, if it is not issued by a public CA. */
  readonly ca?: string | undefined;
  readonly now: () => number;
}

/** The state of one sign-in, compared with the provider's response. */
export interface Flow {
  readonly state: string;
  readonly nonce: string;
  readonly verifier: string;
}

export type OidcResult =
  | { readonly kind: 'identified'; readonly identity: Identity }
  /** The provider knows the user, but the settings assign no role to any of the user's groups. */
  | { readonly kind: 'no-role'; readonly name: string };

/** The provider's endpoints and keys may change, so they are fetched again after this time. */
const DISCOVERED_FOR_MS = 3_600_000;

/** The provider cannot be reached, or its response is invalid. The user may sign in again. */
class ProviderError extends RetryableError {
  override readonly name = 'ProviderError';
}

/** The library and the network report everything about the provider with errors of several classes. */
async function ofProvider<T>(answer: Promise<T>): Promise<T> {
  return answer.catch((error) => {
    throw new ProviderError(oidcReason(error), { cause: error });
  });
}

/** Signs users in through an OpenID provider: authorization code flow with PKCE. The library performs the checks that the standards require. */
export class Oidc {
  readonly #options: OidcOptions;
  #discovered: { readonly at: number; readonly configuration: Promise<Configuration> } | undefined;

  constructor(options: OidcOptions) {
    this.#options = options;
  }

  get settings(): OidcSettings {
    return this.#options.settings;
  }

  async begin(origin: string): Promise<Flow & { readonly url: string }> {
    const configuration = await this.#configuration();
    const flow = { state: randomState(), nonce: randomNonce(), verifier: randomPKCECodeVerifier() };
    const url = buildAuthorizationUrl(configuration, {
      redirect_uri: origin + OIDC_RETURN_PATH,
      scope: ['openid', ...this.settings.Scopes.filter((scope) => scope !== 'openid')].join(' '),
      code_challenge: await calculatePKCECodeChallenge(flow.verifier),
      code_challenge_method: 'S256',
      state: flow.state,
      nonce: flow.nonce,
    });
    return { ...flow, url: url.href };
  }

  /**
   * `answer` is the query string with which the provider redirected the browser back. Throws if anything is invalid.
   */
  async finish({ state, nonce, verifier }: Flow, answer: string, origin: string): Promise<OidcResult> {
    const configuration = await ofProvider(this.#configuration());
    const returned = new URL(origin + OIDC_RETURN_PATH);
    returned.search = answer;
    const grant = authorizationCodeGrant(configuration, returned, {
      expectedState: state,
      expectedNonce: nonce,
      pkceCodeVerifier: verifier,
      idTokenExpected: true,
    });
    const tokens = await ofProvider(grant);
    const claims: Record<string, unknown> & { readonly sub: string } = tokens.claims()!;
    const all = this.#isComplete(configuration, claims)
      ? claims
      : { ...(await ofProvider(fetchUserInfo(configuration, tokens.access_token, claims.sub))), ...claims };
    const name = nameOf(all);
    const role = this.#roleOf(all[this.settings.GroupsClaim]);
    return role === undefined
      ? { kind: 'no-role', name }
      : { kind: 'identified', identity: { subject: claims.sub, name, role } };
  }

  /** Some providers return groups and names only from the userinfo endpoint. */
  #isComplete(configuration: Configuration, claims: Readonly<Record<string, unknown>>): boolean {
    if (configuration.serverMetadata().userinfo_endpoint === undefined) return true;
    return claims[this.settings.GroupsClaim] !== undefined && claims.preferred_username !== undefined;
  }

  #roleOf(claim: unknown): Role | undefined {
    const groups = [claim].flat();
    const roles = Object.entries(this.settings.Groups).filter(([group]) => groups.includes(group));
    return highestRole(roles.map(([, role]) => role));
  }

  #configuration(): Promise<Configuration> {
    const now = this.#options.now();
    if (this.#discovered !== undefined && now - this.#discovered.at < DISCOVERED_FOR_MS)
      return this.#discovered.configuration;
    const configuration = this.#discover();
    this.#discovered = { at: now, configuration };
    // The next attempt runs the discovery again.
    configuration.catch(() => {
      this.#discovered = undefined;
    });
    return configuration;
  }

  #discover(): Promise<Configuration> {
    const { settings, clientSecret, ca } = this.#options;
    const issuer = new URL(settings.Issuer);
    const authentication = clientSecret === undefined ? None() : ClientSecretBasic(clientSecret);
    // The settings allow `http:` for the local machine only.
    const insecure = issuer.protocol === 'http:' ? [allowInsecureRequests] : [];
    return discovery(issuer, settings.ClientId, undefined, authentication, {
      [customFetch]: oidcFetch(ca),
      execute: [...insecure, enableNonRepudiationChecks],
    });
  }
}

/** Sessions depend on these settings: a user who lost a role through a change must not keep it. */
export function oidcFingerprint({ Issuer, ClientId, GroupsClaim, Groups }: OidcSettings): string {
  const groups = Object.entries(Groups).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return digest(JSON.stringify([Issuer, ClientId, GroupsClaim, groups]));
}

/** Only codes and names of errors: their causes can contain tokens. */
export function oidcReason(error: unknown): string {
  const {
    name,
    code,
    error: answered,
    message,
  } = (error instanceof ProviderError ? error.cause : error) as Readonly<Record<string, unknown>>;
  const parts = [name, code, answered, message].filter((part) => typeof part === 'string');
  return plainText(parts.join(': '), 300);
}

const MAX_NAME = 100;

function nameOf(claims: Readonly<Record<string, unknown>>): string {
  const names = [claims.preferred_username, claims.email, claims.sub];
  const name = names.find((text): text is string => typeof text === 'string' && text.trim() !== '') ?? '';
  return plainText(name, MAX_NAME);
}
