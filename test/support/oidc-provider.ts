import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Oidc } from '../../src/controller/admin/oidc.ts';
import { oidcKeys } from '../../src/model/settings/keys.ts';

/** Properties that the library's types lack, as far as they are used here. */
interface Provider {
  readonly issuer: string;
  callback(): (request: IncomingMessage, response: ServerResponse) => void;
}
type ProviderClass = new (issuer: string, configuration: object) => Provider;
const library: string = 'oidc-provider';
const { default: OidcProvider } = (await import(library)) as { readonly default: ProviderClass };

export const clientSecret = 'a secret of the client, which is long enough';

/** Groups of the accounts at the provider. They sign in without a password. */
const groupsOf: Readonly<Record<string, readonly string[]>> = {
  ada: ['platform team', 'developers'],
  olga: ['developers'],
  vic: ['everybody'],
  noah: ['sales'],
};

export const groups = { 'platform team': 'administrator', developers: 'operator', everybody: 'viewer' } as const;

/** A real OpenID provider over HTTP on the loopback interface, with the clients `signalbox` and `other`. */
export class TestProvider implements AsyncDisposable {
  readonly issuer: string;
  readonly #server = createServer((request, response) => this.#answer(request, response));
  #provider: Provider | undefined;
  /** How an attacker in the provider's place changes the token endpoint's answer. */
  tamper: ((body: Record<string, unknown>) => Record<string, unknown>) | undefined;

  static async open(origins: readonly string[]): Promise<TestProvider> {
    const server = new TestProvider(0);
    server.#server.listen(0, '127.0.0.1');
    await once(server.#server, 'listening');
    const { port } = server.#server.address() as AddressInfo;
    const opened = Object.assign(server, { issuer: `http://127.0.0.1:${port}` });
    opened.#provider = new OidcProvider(opened.issuer, configuration(origins));
    return opened;
  }

  private constructor(port: number) {
    this.issuer = `http://127.0.0.1:${port}`;
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    if (this.tamper !== undefined && request.url === '/token') this.#tamperWith(response, this.tamper);
    this.#provider!.callback()(request, response);
  }

  #tamperWith(response: ServerResponse, tamper: NonNullable<TestProvider['tamper']>): void {
    const end = response.end.bind(response);
    Object.assign(response, {
      end: (text: string | Buffer) => {
        const body = JSON.stringify(tamper(JSON.parse(String(text))));
        response.setHeader('content-length', Buffer.byteLength(body));
        return end(body);
      },
    });
  }

  /** As in the controller's settings. */
  client(more: Partial<Oidc['settings']> = {}, secret = clientSecret): Oidc {
    const defaults = Object.fromEntries(Object.entries(oidcKeys).map(([name, key]) => [name, key.default]));
    const own = { Issuer: this.issuer, ClientId: 'signalbox', Scopes: ['openid', 'profile', 'groups'], Groups: groups };
    const settings = { ...(defaults as Oidc['settings']), ...own, ...more };
    return new Oidc({ settings, clientSecret: secret, now: Date.now });
  }

  /** Signs in at the provider as a browser does, and returns the query of the redirect back. */
  async visit(url: string, account: string): Promise<URL> {
    const cookies = new Map<string, string>();
    const ask = async (target: string, body?: URLSearchParams) => {
      const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');
      const answer = await fetch(target, {
        redirect: 'manual',
        headers: { cookie },
        ...(body === undefined ? {} : { method: 'POST', body }),
      });
      for (const set of answer.headers.getSetCookie()) {
        const [, name, value] = /^([^=]+)=([^;]*)/.exec(set)!;
        cookies.set(name!, value!);
      }
      return answer;
    };
    let answer = await ask(url);
    for (let steps = 0; steps < 10; steps++) {
      const location = answer.headers.get('location');
      if (location === null) {
        const html = await answer.text();
        const [, action] = /<form[^>]* action="([^"]+)"/.exec(html) ?? [];
        if (action === undefined) throw new Error(`The provider answered ${answer.status}: ${html}`);
        const [, prompt = 'login'] = /name="prompt" value="(\w+)"/.exec(html) ?? [];
        const form = new URLSearchParams({ prompt, login: account, password: 'x' });
        answer = await ask(new URL(action, this.issuer).href, form);
        continue;
      }
      const next = new URL(location, this.issuer);
      if (next.origin !== this.issuer) return next;
      answer = await ask(next.href);
    }
    throw new Error('The provider redirects the browser in a loop.');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}

function configuration(origins: readonly string[]) {
  const client = (id: string) => ({
    client_id: id,
    client_secret: clientSecret,
    redirect_uris: origins.map((origin) => `${origin}/auth/oidc/return`),
    grant_types: ['authorization_code'],
    response_types: ['code'],
  });
  return {
    clients: [client('signalbox'), client('other')],
    claims: { openid: ['sub'], profile: ['preferred_username'], groups: ['groups'] },
    // Into the ID token, where the client finds them immediately.
    conformIdTokenClaims: false,
    pkce: { required: () => true },
    features: { devInteractions: { enabled: true } },
    cookies: { keys: ['a key of the test'] },
    findAccount: (_: unknown, id: string) => ({
      accountId: id,
      claims: () => ({ sub: id, preferred_username: id, groups: groupsOf[id] ?? [] }),
    }),
  };
}
