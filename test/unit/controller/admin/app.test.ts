import { describe, expect, it } from 'vitest';
import { Access } from '../../../../src/controller/admin/access.ts';
import { Administrator } from '../../../../src/controller/admin/administrator.ts';
import { createAdminApp } from '../../../../src/controller/admin/app.ts';
import { explainEverywhere } from '../../../../src/controller/admin/explain.ts';
import { toHostViews } from '../../../../src/controller/admin/hosts.ts';
import { operations } from '../../../../src/controller/admin/operations.ts';
import { planSchema, toPlanView } from '../../../../src/controller/admin/plan.ts';
import { type State, stateSchema, toState } from '../../../../src/controller/admin/state.ts';
import { DockerError } from '../../../../src/controller/docker/docker-error.ts';
import type { SavedText } from '../../../../src/controller/ports.ts';
import { RetryableError } from '../../../../src/lib/retryable.ts';
import { parseSettings } from '../../../../src/model/settings/settings.ts';
import { aService } from '../../../support/builders.ts';
import { ControllerWorld } from '../../../support/controller-world.ts';
import { eventually } from '../../../support/eventually.ts';

const passwords = { admin: 'right', viewer: 'look' } as const;

async function setUp() {
  const world = new ControllerWorld();
  world.swarm.deploy({
    ...aService('shop'),
    ports: [{ target: 80, published: 9000, mode: 'ingress', protocol: 'tcp' }],
  });
  await world.settle();
  const saved: SavedText[] = [];
  const store = { load: async () => saved.at(-1), save: async (text: SavedText) => void saved.push(text) };
  let now = Date.parse('2026-01-01T00:00:00Z');
  let triggers = 0;
  const { settings } = parseSettings({}, '1.0.0');
  const administrator = new Administrator({
    store,
    settings,
    applications: async () => (await world.swarm.observe()).services,
    status: { current: world.status },
    trigger: () => {
      triggers += 1;
    },
    now: () => now,
  });
  const access = new Access({
    adminPassword: passwords.admin,
    viewerPassword: passwords.viewer,
    key: 'k',
    now: () => now,
  });
  const listeners = new Set<() => void>();
  const state = () => toState(world.status, undefined, administrator.current);
  const app = createAdminApp({
    state,
    metrics: async () => 'signalbox_problems 0',
    subscribe: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    access,
    administrator,
    versions: { list: async () => [], compare: async () => undefined },
    readVersion: async () => undefined,
    certificates: () => [],
    renew: async () => undefined,
    internalCa: 'PEM',
    hosts: () => toHostViews(world.status),
    explain: (url, details) => explainEverywhere(world.status.desired.clusters, url, details),
    tryTarget: () => undefined,
    logs: async () => ({ lines: [], silent: [], cursor: '' }),
    doctor: async () => undefined,
    plan: () => toPlanView(world.preview.planned, world.board.error),
    address: () => '192.0.2.1',
  });
  const send = (path: string, method = 'GET', body?: unknown, headers: Record<string, string> = {}) =>
    app.request(`https://box.example${path}`, {
      method,
      headers,
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
  const logIn = async (username: keyof typeof passwords) => {
    const answer = await send('/auth/login', 'POST', { username, password: passwords[username] });
    const { auth_token } = (await answer.json()) as { auth_token: string };
    return { authorization: `Bearer ${auth_token}` };
  };
  const pass = (ms: number) => {
    now += ms;
  };
  const announce = () => {
    for (const listener of listeners) listener();
  };
  return { app, world, listeners, announce, state, send, logIn, pass, saved, administrator, triggers: () => triggers };
}

describe('The API', () => {
  it('requires sign-in for everything except health', async () => {
    const { app, send } = await setUp();
    for (const [path, methods] of Object.entries(operations)) {
      for (const [method, { access: required }] of Object.entries(methods)) {
        if (required === 'open') continue;
        const answer = await send(path.replaceAll(/\{\w+\}/g, 'x'), method.toUpperCase());
        expect(answer.status, `${method} ${path}`).toBe(401);
        expect(answer.headers.get('content-type')).toContain('application/problem+json');
      }
    }
    expect((await send('/healthz')).status).toBe(200);
    const routed = app.routes.filter(({ method, path }) => method !== 'ALL' && !path.includes('*'));
    const described = Object.entries(operations).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path.replaceAll(/\{(\w+)\}/g, ':$1')}`),
    );
    expect([...new Set(routed.map(({ method, path }) => `${method} ${path}`))].toSorted()).toEqual(
      described.toSorted(),
    );
  });

  it('returns the state that its schema describes after a login', async () => {
    const { send, logIn } = await setUp();
    const answer = await send('/api/state', 'GET', undefined, await logIn('viewer'));
    const state = stateSchema.parse(await answer.json());
    expect(state).toMatchObject({ enabled: true, error: null, services: [{ name: 'shop', tasks: 1 }] });
    const [{ version, replicas }] = state.clusters as [State['clusters'][number]];
    expect(replicas.map((replica) => replica.version)).toEqual([version, version]);
    const document = await send('/api/openapi.json', 'GET', undefined, await logIn('viewer'));
    expect(JSON.stringify(await document.json())).toContain('List changes by administrators');
  });

  it('returns the plan that its schema describes', async () => {
    const { world, send, logIn } = await setUp();
    const viewer = await logIn('viewer');
    const plan = async () => planSchema.parse(await (await send('/api/plan', 'GET', undefined, viewer)).json());
    await world.settle();
    expect(await plan()).toMatchObject({ error: null, actions: [], waiting: [] });

    world.swarm.deploy(aService('blog'));
    world.swarm.failNext('createConfig', new RetryableError('no quorum'));
    await world.pass().catch(() => undefined);
    expect((await plan()).actions).toContainEqual({
      ...{ cluster: 'default', kind: 'create-config' },
      sentence: expect.stringContaining('Store nginx.conf of version'),
    });
  });

  it('explains how a URL is routed', async () => {
    const { send, logIn } = await setUp();
    const viewer = await logIn('viewer');
    const explain = (url: string) => send(`/api/explain?url=${encodeURIComponent(url)}`, 'GET', undefined, viewer);
    const answer = { kind: 'service', route: { services: ['shop'] }, requestUri: '/cart' };
    expect(await (await explain('shop.example.org/cart')).json()).toMatchObject([{ cluster: 'default', answer }]);
    expect(await (await explain('shop.example.org/cart')).json()).toMatchObject([{ effects: [] }]);
    const refused = await explain('ftp://shop.example.org');
    expect(await refused.json()).toMatchObject({ status: 400, detail: expect.stringContaining('not a valid URL') });
  });

  it('explains how a request with a method, headers and cookies is routed', async () => {
    const { world, send, logIn } = await setUp();
    const viewer = await logIn('viewer');
    const lb = { match: 'method:POST, header:X-Beta=yes, header:X-User, cookie:group=b', retries: 'off' };
    world.swarm.deploy(aService('beta', { host: 'shop.example.org', lb }));
    await world.pass();
    const explain = async (...details: [string, string][]) => {
      const query = new URLSearchParams([['url', 'shop.example.org'], ...details]);
      return (await send(`/api/explain?${query}`, 'GET', undefined, viewer)).json();
    };
    const headers: [string, string][] = ['X-Beta: yes', 'X-User: me'].map((text) => ['header', text]);
    const cookie: [string, string] = ['cookie', 'group=b'];
    expect(await explain(...headers, ['method', 'POST'], cookie)).toMatchObject([
      {
        answer: { kind: 'service', route: { services: ['beta'] } },
        effects: [{ label: 'retries', text: expect.stringContaining('never sent to another') }],
      },
    ]);
    expect(await explain(...headers, cookie)).toMatchObject([{ answer: { route: { services: ['shop'] } } }]);
    expect(await explain(['header', 'Host: x'])).toMatchObject({
      status: 400,
      detail: 'The host is part of the URL: remove the header Host.',
    });
  });

  it('returns metrics only with a password or a token', async () => {
    const { send, logIn } = await setUp();
    const basic = (text: string) => ({ authorization: `Basic ${Buffer.from(text).toString('base64')}` });
    const scrape = async (headers: Record<string, string>) =>
      (await send('/metrics', 'GET', undefined, headers)).status;
    expect(await scrape(basic('viewer:look'))).toBe(200);
    expect(await scrape(await logIn('viewer'))).toBe(200);
    expect(await scrape(basic('viewer:wrong'))).toBe(401);
    expect(await scrape({})).toBe(401);
  });

  it('sends an event with the hosts after a change of them, and otherwise only that it has observed the swarm', async () => {
    const { world, send, logIn, announce } = await setUp();
    const headers = await logIn('viewer');
    const { body } = await send('/api/hosts/events', 'GET', undefined, headers);
    const reader = body!.pipeThrough(new TextDecoderStream()).getReader();
    const event = async () => /^event: (\w+)\ndata: (.*)/.exec((await reader.read()).value ?? '')!.slice(1, 3);
    expect((await event())[0]).toBe('hosts');
    world.swarm.deploy(aService('late'));
    await world.pass();
    announce();
    const [name, data] = await event();
    expect([name, JSON.parse(data!).map(({ host }: { host: string }) => host)]).toEqual([
      'hosts',
      expect.arrayContaining(['late.example.org']),
    ]);
    expect(await (await send('/api/hosts', 'GET', undefined, headers)).json()).toEqual(JSON.parse(data!));
    announce();
    expect((await event())[0]).toBe('seen');
    await reader.cancel();
  });

  it('sends an event with the state after a change, and otherwise only that it has observed the swarm', async () => {
    const { world, send, logIn, announce, listeners } = await setUp();
    const { body } = await send('/api/events', 'GET', undefined, await logIn('viewer'));
    const reader = body!.pipeThrough(new TextDecoderStream()).getReader();
    const event = async () => /^event: (\w+)\ndata: (.*)/.exec((await reader.read()).value ?? '')!.slice(1, 3);
    const [first, payload] = await event();
    expect([first, JSON.parse(payload!).routes.length]).toEqual(['state', 1]);
    await world.pass();
    announce();
    expect(await event()).toEqual(['seen', JSON.stringify(new Date(world.status.at).toISOString())]);
    world.swarm.deploy(aService('late'));
    await world.pass();
    announce();
    expect((await event())[0]).toBe('state');
    await reader.cancel();
    await eventually(() => expect(listeners.size).toBe(0));
  });

  it('throttles password guessing', async () => {
    const { send, pass } = await setUp();
    const guess = (password: string) => send('/auth/login', 'POST', { username: 'admin', password });
    for (let times = 0; times < 5; times++) expect((await guess('wrong')).status).toBe(401);
    const held = await guess(passwords.admin);
    expect([held.status, held.headers.get('retry-after')]).toEqual([429, '60']);
    pass(60_000);
    expect((await guess(passwords.admin)).status).toBe(200);
  });

  it('lets a viewer read, and change nothing', async () => {
    const { send, logIn, saved } = await setUp();
    const viewer = await logIn('viewer');
    expect((await send('/api/interlock', 'GET', undefined, viewer)).status).toBe(200);
    expect((await send('/api/interlock', 'DELETE', undefined, viewer)).status).toBe(403);
    expect(saved).toEqual([]);
  });

  it('rejects tokens that are forged or have expired', async () => {
    const { send, logIn, pass } = await setUp();
    const { authorization } = await logIn('admin');
    expect((await send('/api/state', 'GET', undefined, { authorization: `${authorization}x` })).status).toBe(401);
    pass(13 * 3_600_000);
    expect((await send('/api/state', 'GET', undefined, { authorization })).status).toBe(401);
  });

  it('switches routing on and off, and records who did', async () => {
    const { send, logIn, saved, administrator, triggers } = await setUp();
    const admin = await logIn('admin');
    expect((await send('/api/interlock', 'DELETE', undefined, admin)).status).toBe(200);
    expect(administrator.current).toMatchObject({ enabled: false, changes: [{ who: 'admin', what: 'Switched off' }] });
    const on = await send('/api/interlock', 'POST', '{"HTTPPort":81,"HTTPSPort":444,"Arch":"x86_64"}', admin);
    expect(await on.json()).toEqual({ InterlockEnabled: true, HTTPPort: 81, HTTPSPort: 444 });
    expect(saved).toHaveLength(2);
    expect(triggers()).toBe(2);
  });

  it('uses the ports of the settings when they are set back to these', async () => {
    const { send, logIn, administrator } = await setUp();
    const admin = await logIn('admin');
    await send('/api/interlock', 'POST', '{"HTTPPort":81,"HTTPSPort":444}', admin);
    expect(administrator.current).toMatchObject({ httpPort: 81, httpsPort: 444 });
    await send('/api/interlock', 'POST', '{"HTTPPort":8080,"HTTPSPort":8443}', admin);
    expect([administrator.current.httpPort, administrator.current.httpsPort]).toEqual([undefined, undefined]);
  });

  it.each([
    ['{"HTTPPort":9000}', 409, 'shop'],
    ['{"HTTPPort":0}', 400, 'HTTPPort'],
    ['{"HTTPPort":8443}', 400, 'different ports'],
    ['{', 400, 'not valid JSON'],
  ])('rejects %s before anything is changed', async (body, status, detail) => {
    const { send, logIn, saved } = await setUp();
    const answer = await send('/api/interlock', 'POST', body, await logIn('admin'));
    expect(answer.status).toBe(status);
    expect(await answer.json()).toMatchObject({ status, detail: expect.stringContaining(detail) });
    expect(saved).toEqual([]);
  });

  it('rejects a port that was taken since the controller last observed the swarm', async () => {
    const { world, send, logIn, saved } = await setUp();
    world.swarm.deploy({
      ...aService('late'),
      ports: [{ target: 80, published: 9001, mode: 'ingress', protocol: 'tcp' }],
    });
    const answer = await send('/api/interlock', 'POST', '{"HTTPPort":9001}', await logIn('admin'));
    expect(answer.status).toBe(409);
    expect(saved).toEqual([]);
  });

  it('reports that the Engine does not answer, and changes nothing', async () => {
    const { world, send, logIn, saved } = await setUp();
    world.swarm.failNext('observe', new RetryableError('connect ECONNREFUSED'));
    const answer = await send('/api/interlock', 'POST', '{"HTTPPort":9001}', await logIn('admin'));
    expect(await answer.json()).toMatchObject({ status: 503, detail: expect.stringContaining('ECONNREFUSED') });
    expect(saved).toEqual([]);
  });

  it('reports that the Engine rejects the request, which need not be repeated', async () => {
    const { world, send, logIn, saved } = await setUp();
    world.swarm.failNext('observe', new DockerError('List services', 403, new Error('denied by a plugin')));
    const answer = await send('/api/interlock', 'POST', '{"HTTPPort":9001}', await logIn('admin'));
    const detail = 'List services: denied by a plugin. Nothing was changed.';
    expect(await answer.json()).toMatchObject({ status: 502, title: 'Docker rejected the request', detail });
    expect(saved).toEqual([]);
  });

  it('closes a host and a service for a while, records who did, and opens them again', async () => {
    const { world, send, logIn, saved, triggers, state, administrator } = await setUp();
    const admin = await logIn('admin');
    const put = (path: string, body?: unknown) => send(`/api/maintenance/${path}`, 'PUT', body, admin);
    expect((await put('hosts/shop.example.org', { allow: ['10.0.0.0/8', '192.0.2.7', '10.0.0.0/8'] })).status).toBe(
      204,
    );
    expect((await put('services/shop')).status).toBe(204);
    const who = { who: 'admin', since: '2026-01-01T00:00:00.000Z' };
    expect(await (await send('/api/maintenance', 'GET', undefined, admin)).json()).toEqual([
      { kind: 'host', name: 'shop.example.org', allow: ['10.0.0.0/8', '192.0.2.7'], ...who },
      { kind: 'service', name: 'shop', allow: [], ...who },
    ]);
    expect((await put('hosts/shop.example.org')).status).toBe(204);
    expect(state().maintenance).toMatchObject([{ name: 'shop' }, { name: 'shop.example.org', allow: [] }]);
    world.administration = administrator.current;
    await world.settle();
    expect((await send('/api/maintenance/services/shop', 'DELETE', undefined, admin)).status).toBe(204);
    expect(state()).toMatchObject({
      maintenance: [{ name: 'shop.example.org' }],
      changes: [
        { what: 'Ended maintenance of service shop' },
        { what: 'Started maintenance of host shop.example.org' },
        { what: 'Started maintenance of service shop' },
        { who: 'admin', what: 'Started maintenance of host shop.example.org, allowed: 10.0.0.0/8, 192.0.2.7' },
      ],
    });
    expect([saved.length, triggers()]).toEqual([4, 4]);
  });

  it('ends maintenance when its time is over, and records it', async () => {
    const { send, logIn, pass, state, administrator } = await setUp();
    const until = '2026-01-01T00:10:00.000Z';
    const body = { reason: 'Upgrade', until };
    const path = '/api/maintenance/hosts/shop.example.org';
    expect((await send(path, 'PUT', body, await logIn('admin'))).status).toBe(204);
    expect(state().maintenance).toMatchObject([{ name: 'shop.example.org', reason: 'Upgrade', until }]);

    await administrator.endExpired();
    expect(state().maintenance).toHaveLength(1);
    pass(600_000);
    await Promise.all([administrator.endExpired(), administrator.endExpired()]);

    expect(state().maintenance).toEqual([]);
    expect(state().changes).toMatchObject([
      { at: until, who: 'Signalbox', what: 'Ended maintenance of host shop.example.org: its time is over' },
      { what: `Started maintenance of host shop.example.org, until ${until}, reason: Upgrade` },
    ]);
  });

  it.each([
    ['PUT', 'hosts/nobody.example.org', '', 404, 'No route uses the host'],
    ['PUT', 'services/nobody', '', 404, 'No route uses the service'],
    ['PUT', 'services/shop', '{"allow":["10.0.0.0/33"]}', 400, 'is not an address or a network'],
    ['PUT', 'services/shop', '{"allow":"10.0.0.0/8"}', 400, 'allow'],
    ['PUT', 'services/shop', '{"until":"2020-01-01T00:00:00Z"}', 400, 'is in the past'],
    ['PUT', 'services/shop', '{"until":"tomorrow"}', 400, 'until'],
    ['DELETE', 'services/shop', '', 404, 'change the label'],
  ])('rejects %s %s %s', async (method, path, body, status, detail) => {
    const { send, logIn, saved } = await setUp();
    const answer = await send(`/api/maintenance/${path}`, method, body, await logIn('admin'));
    expect(await answer.json()).toMatchObject({ status, detail: expect.stringContaining(detail) });
    expect(saved).toEqual([]);
  });

  it('shows services that their label closes', async () => {
    const { world, state } = await setUp();
    world.swarm.deploy(aService('shut', { lb: { maintenance: 'true', maintenance_allow: '192.0.2.7' } }));
    await world.settle();
    expect(state().maintenance).toEqual([
      { kind: 'service', name: 'shut', allow: ['192.0.2.7'], who: null, since: null },
    ]);
    expect(state().routes.map(({ host, maintenance }) => [host, maintenance])).toEqual([
      ['shop.example.org', false],
      ['shut.example.org', true],
    ]);
  });
});
