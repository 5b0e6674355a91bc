// Sign-in through a real OpenID provider on the loopback interface, and attacks on it.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AdminWorld, pageHeaders } from '../../../support/admin-world.ts';
import { TestProvider } from '../../../support/oidc-provider.ts';

let provider: TestProvider;
let box: AdminWorld;
let other: AdminWorld;
const origin = { toString: () => box.origin };

interface Begun {
  readonly url: string;
  readonly state: string;
  readonly flow: string;
}

beforeAll(async () => {
  // Ports are chosen before the provider is configured with them.
  await using probe = await AdminWorld.open();
  await using second = await AdminWorld.open();
  const ports = [probe.port, second.port];
  await probe[Symbol.asyncDispose]();
  await second[Symbol.asyncDispose]();
  provider = await TestProvider.open(ports.map((port) => `https://localhost:${port}`));
  box = await AdminWorld.open({ oidc: provider.client(), port: ports[0]! });
  other = await AdminWorld.open({ oidc: provider.client({ ClientId: 'other' }), port: ports[1]! });
}, 60_000);

afterAll(async () => {
  await box?.[Symbol.asyncDispose]();
  await other?.[Symbol.asyncDispose]();
  await provider?.[Symbol.asyncDispose]();
});

async function begin(world = box): Promise<Begun> {
  const answer = await world.ask('/auth/oidc', { method: 'POST', headers: { origin: world.origin } });
  expect(answer.status, answer.body).toBe(200);
  return JSON.parse(answer.body);
}

function finish(flow: string, answer: string, world = box, headers: Record<string, string> = {}) {
  world.skipped += 61_000;
  return world.ask('/auth/oidc/session', {
    method: 'POST',
    headers: { origin: world.origin, ...headers },
    body: { flow, answer },
  });
}

async function signIn(account: string) {
  const { url, flow } = await begin();
  return finish(flow, (await provider.visit(url, account)).search);
}

/** Headers of the page session that an answer started. */
function sessionOf(answer: Awaited<ReturnType<typeof signIn>>) {
  const cookie = answer.headers['set-cookie']![0]!.split(';')[0]!.split('=')[1]!;
  return pageHeaders({ cookie, page: JSON.parse(answer.body).session_token });
}

describe('Sign-in through OpenID Connect', () => {
  it.each([
    ['ada', 'administrator'],
    ['olga', 'operator'],
    ['vic', 'viewer'],
  ])('gives %s the role of the groups: %s', async (account, role) => {
    const answer = await signIn(account);
    expect(answer.status, answer.body).toBe(200);
    expect(answer.headers['set-cookie']![0]).toMatch(/; HttpOnly; Secure; SameSite=Strict$/);
    const user = await box.ask('/api/user', { headers: sessionOf(answer) });
    expect(JSON.parse(user.body)).toEqual({ name: account, role, via: 'oidc', cluster: null });
  });

  it('rejects users whose groups have no role', async () => {
    const answer = await signIn('noah');
    expect([answer.status, answer.headers['set-cookie']]).toEqual([403, undefined]);
  });

  it('sends PKCE, state and nonce, and its own origin as the return address', async () => {
    const { url, state } = await begin();
    const query = Object.fromEntries(new URL(url).searchParams);
    expect(query).toMatchObject({
      response_type: 'code',
      code_challenge_method: 'S256',
      redirect_uri: `${origin}/auth/oidc/return`,
      state,
      scope: 'openid profile groups',
    });
    expect(query.nonce).toMatch(/^[\w-]{43}$/);
    expect(query.code_challenge).toMatch(/^[\w-]{43}$/);
    expect(url).not.toContain('secret');
  });

  it('records name and method of a user who changes something, and ends the session at sign-out', async () => {
    const headers = sessionOf(await signIn('olga'));
    expect((await box.ask('/api/interlock', { method: 'DELETE', headers })).status).toBe(200);
    const [change] = JSON.parse((await box.ask('/api/audit', { headers })).body);
    expect(change).toMatchObject({ who: 'olga', via: 'oidc', what: 'Switched off' });
    await box.ask('/auth/session', { method: 'DELETE', headers });
    expect((await box.ask('/api/user', { headers })).status).toBe(401);
  });

  it('reports a provider that does not answer, and passwords still work', async () => {
    const gone = await TestProvider.open([]);
    const oidc = gone.client();
    await gone[Symbol.asyncDispose]();
    await using world = await AdminWorld.open({ oidc });
    const answer = await world.ask('/auth/oidc', { method: 'POST' });
    expect([answer.status, JSON.parse(answer.body).title]).toEqual([503, 'No response']);
    expect((await world.guess('open sesame')).status).toBe(200);
  });

  it('does not exist without settings', async () => {
    await using world = await AdminWorld.open();
    expect((await world.ask('/auth/oidc', { method: 'POST' })).status).toBe(404);
    expect(JSON.parse((await world.ask('/auth/methods')).body)).toEqual({ oidc: false });
    expect(JSON.parse((await box.ask('/auth/methods')).body)).toEqual({ oidc: true });
  });

  it('ends its sessions if the settings map groups to other roles', async () => {
    const headers = sessionOf(await signIn('ada'));
    const changed = provider.client({ Groups: { 'platform team': 'viewer' } });
    await using world = await AdminWorld.open({ oidc: changed });
    const host = `localhost:${box.port}`;
    expect((await world.ask('/api/user', { headers: { ...headers, host } })).status).toBe(401);
    await using same = await AdminWorld.open({ oidc: provider.client() });
    expect((await same.ask('/api/user', { headers: { ...headers, host } })).status).toBe(200);
  });
});

describe('An attacker', () => {
  async function expectRefused(answer: Awaited<ReturnType<typeof signIn>>, status = 401) {
    expect([answer.status, answer.headers['set-cookie']], answer.body).toEqual([status, undefined]);
  }

  it('cannot use a code twice', async () => {
    const { url, flow } = await begin();
    const { search } = await provider.visit(url, 'ada');
    expect((await finish(flow, search)).status).toBe(200);
    await expectRefused(await finish(flow, search));
  });

  it('cannot use a code with the flow of another browser, or with a forged state', async () => {
    const victim = await begin();
    const attacker = await begin();
    const stolen = await provider.visit(victim.url, 'ada');
    await expectRefused(await finish(attacker.flow, stolen.search));
    stolen.searchParams.set('state', attacker.state);
    // The state matches now, but the PKCE verifier and the nonce do not.
    await expectRefused(await finish(attacker.flow, stolen.search));
  });

  it('cannot omit the state or the issuer, or change the issuer', async () => {
    for (const change of [
      (query: URLSearchParams) => query.delete('state'),
      (query: URLSearchParams) => query.set('state', 'forged'),
      (query: URLSearchParams) => query.set('iss', 'https://evil.example'),
      (query: URLSearchParams) => query.delete('iss'),
      (query: URLSearchParams) => query.set('code', 'forged'),
      (query: URLSearchParams) => query.append('state', 'second'),
    ]) {
      const { url, flow } = await begin();
      const returned = await provider.visit(url, 'ada');
      change(returned.searchParams);
      await expectRefused(await finish(flow, returned.search));
    }
  });

  it('cannot create a flow', async () => {
    const { url, flow } = await begin();
    const { search } = await provider.visit(url, 'ada');
    const [head, claims, signature] = flow.split('.');
    const forged = JSON.parse(Buffer.from(claims!, 'base64url').toString());
    const encoded = Buffer.from(JSON.stringify({ ...forged, nonce: 'x' })).toString('base64url');
    await expectRefused(await finish([head, encoded, signature].join('.'), search));
    const bearer = (await box.bearer('admin')).authorization.split(' ')[1]!;
    await expectRefused(await finish(bearer, search));
    expect((await box.ask('/api/state', { headers: { authorization: `Bearer ${flow}` } })).status).toBe(401);
  });

  it('cannot use a flow of another origin, or an expired one', async () => {
    const { url, flow } = await begin();
    const { search } = await provider.visit(url, 'ada');
    await expectRefused(await finish(flow, search, other));
    box.skipped += 11 * 60_000;
    await expectRefused(await finish(flow, search));
  });

  it('cannot begin or finish from a page of another origin', async () => {
    const foreign = { origin: 'https://evil.example' };
    expect((await box.ask('/auth/oidc', { method: 'POST', headers: foreign })).status).toBe(403);
    const { url, flow } = await begin();
    await expectRefused(await finish(flow, (await provider.visit(url, 'ada')).search, box, foreign), 403);
  });

  it('cannot use the controller as an open redirect', async () => {
    for (const path of ['/auth/oidc', '/auth/oidc/return']) {
      for (const query of [
        '?redirect_uri=https://evil.example',
        '?return=//evil.example',
        '?url=https://evil.example',
      ]) {
        const method = path === '/auth/oidc' ? 'POST' : 'GET';
        const answer = await box.ask(path + query, { method });
        expect(answer.headers.location).toBeUndefined();
        expect(answer.body).not.toContain('evil.example');
      }
    }
    const host = 'evil.example';
    const answer = await box.ask('/auth/oidc', { method: 'POST', headers: { host } });
    // The provider knows the allowed redirect addresses.
    await expect(provider.visit(JSON.parse(answer.body).url, 'ada')).rejects.toThrow('redirect_uri');
  });

  it('cannot sign in with the ID token of another client, or a changed one', async () => {
    let foreign = '';
    provider.tamper = (body) => {
      foreign = String(body.id_token);
      return body;
    };
    const elsewhere = await begin(other);
    const returned = await provider.visit(elsewhere.url, 'ada');
    expect((await finish(elsewhere.flow, returned.search, other)).status).toBe(200);
    expect(foreign).not.toBe('');
    const changed = (token: string) => {
      const [head, claims, signature] = token.split('.');
      const more = { ...JSON.parse(Buffer.from(claims!, 'base64url').toString()), groups: ['platform team'] };
      return [head, Buffer.from(JSON.stringify(more)).toString('base64url'), signature].join('.');
    };
    const unsigned = (token: string) => {
      const head = Buffer.from(JSON.stringify({ alg: 'none' })).toString('base64url');
      return `${head}.${changed(token).split('.')[1]}.`;
    };
    for (const forge of [() => foreign, changed, unsigned, () => undefined]) {
      const { url, flow } = await begin();
      const { search } = await provider.visit(url, 'vic');
      provider.tamper = (body) => ({ ...body, id_token: forge(String(body.id_token)) });
      await expectRefused(await finish(flow, search));
      provider.tamper = undefined;
    }
  });

  it('cannot make the controller send endless requests to the provider', async () => {
    const { flow } = await begin();
    const guess = () =>
      box.ask('/auth/oidc/session', { method: 'POST', body: { flow, answer: '?code=x&state=y' }, from: '127.0.0.9' });
    const statuses = [];
    for (let times = 0; times < 8; times++) statuses.push((await guess()).status);
    expect(statuses).toEqual([401, 401, 401, 401, 401, 429, 429, 429]);
  });

  it('finds no secret in the logs', async () => {
    const { url, flow, state } = await begin();
    const returned = await provider.visit(url, 'ada');
    await finish(flow, returned.search);
    await finish(flow, returned.search);
    const written = JSON.stringify([box.logs, box.administrator.current]);
    for (const secret of [flow, state, returned.searchParams.get('code')!, 'a secret of the client'])
      expect(written).not.toContain(secret);
    expect(written).toContain('Sign-in through OpenID Connect failed');
  });
});
