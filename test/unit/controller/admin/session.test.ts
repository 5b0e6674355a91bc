// The page's session: one half alone is useless, and a session that has ended is closed on the server.
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { AdminWorld, pageHeaders, passwords } from '../../../support/admin-world.ts';
import { eventually } from '../../../support/eventually.ts';

const state = '/api/state';

it('The cookie alone, as another port of the host receives it, opens nothing', async () => {
  await using box = await AdminWorld.open();
  const { cookie, page } = await box.session('admin');
  const stolen = { cookie: `__Host-signalbox=${cookie}` };
  const attacks: Record<string, string>[] = [
    stolen,
    { authorization: `Bearer ${cookie}` },
    { ...stolen, authorization: `Bearer ${cookie}` },
    { ...stolen, 'x-signalbox-session': cookie },
    { 'x-signalbox-session': cookie },
    { 'x-signalbox-session': page },
    { authorization: `Bearer ${page}` },
    { ...stolen, ...pageHeaders({ cookie, page }), host: `localhost:${box.port + 1}` },
    { cookie: `__Host-signalbox=${page}`, 'x-signalbox-session': page },
  ];
  for (const headers of attacks)
    for (const [path, method] of [
      [state, 'GET'],
      ['/api/events', 'GET'],
      ['/api/interlock', 'DELETE'],
      ['/metrics', 'GET'],
    ] as const)
      expect((await box.ask(path, { method, headers })).status, JSON.stringify([path, headers])).toBe(401);
  expect((await box.ask(state, { headers: pageHeaders({ cookie, page }) })).status).toBe(200);
});

it('Halves of two sessions do not match', async () => {
  await using box = await AdminWorld.open();
  const [admin, viewer] = [await box.session('admin'), await box.session('viewer')];
  for (const mixed of [
    { cookie: admin.cookie, page: viewer.page },
    { cookie: viewer.cookie, page: admin.page },
  ])
    expect((await box.ask(state, { headers: pageHeaders(mixed) })).status).toBe(401);
});

it('A bearer token is not accepted as a cookie', async () => {
  await using box = await AdminWorld.open();
  const token = (await box.bearer('admin')).authorization.split(' ')[1]!;
  expect((await box.ask(state, { headers: pageHeaders({ cookie: token, page: token }) })).status).toBe(401);
});

it.each([
  { origin: 'https://evil.example' },
  { origin: 'https://localhost:8443' },
  { origin: 'null' },
  { 'sec-fetch-site': 'same-site' },
  { 'sec-fetch-site': 'cross-site' },
])('No page of another origin can sign in, sign out or change anything: %j', async (foreign) => {
  await using box = await AdminWorld.open();
  const session = await box.session('admin');
  const headers = { ...pageHeaders(session), ...(foreign as Record<string, string>) };
  const body = { username: 'viewer', password: passwords.viewer };
  expect((await box.ask('/auth/session', { method: 'POST', headers, body })).status).toBe(403);
  expect((await box.ask('/auth/session', { method: 'DELETE', headers })).status).toBe(403);
  expect((await box.ask('/api/interlock', { method: 'DELETE', headers })).status).toBe(403);
  expect((await box.ask(state, { headers: pageHeaders(session) })).status).toBe(200);
});

it('Sign-out ends the session and its streams immediately, and other sessions continue', async () => {
  await using box = await AdminWorld.open();
  const [mine, other] = [await box.session('admin'), await box.session('admin')];
  const ended = await box.start('/api/events', { headers: pageHeaders(mine) });
  const going = await box.start('/api/events', { headers: pageHeaders(other) });
  for (const stream of [ended, going]) stream.resume();
  expect((await box.ask('/auth/session', { method: 'DELETE', headers: pageHeaders(mine) })).status).toBe(204);
  await eventually(() => expect(ended.complete).toBe(true), { timeoutMs: 5000, intervalMs: 20 });
  expect(going.complete).toBe(false);
  expect((await box.ask(state, { headers: pageHeaders(mine) })).status).toBe(401);
  expect((await box.ask(state, { headers: pageHeaders(other) })).status).toBe(200);
});

it('A bearer token can be signed out, too. Without a session there is nothing to sign out', async () => {
  await using box = await AdminWorld.open();
  const headers = await box.bearer('viewer');
  expect((await box.ask('/auth/session', { method: 'DELETE' })).status).toBe(204);
  expect((await box.ask(state, { headers })).status).toBe(200);
  expect((await box.ask('/auth/session', { method: 'DELETE', headers })).status).toBe(204);
  expect((await box.ask(state, { headers })).status).toBe(401);
});

it('A session that was signed out stays ended after a restart, and on other controllers', async () => {
  await using box = await AdminWorld.open();
  await using other = await AdminWorld.open({ world: box.world });
  const [gone, kept] = [await box.bearer('admin'), await box.bearer('admin')];
  expect((await other.ask(state, { headers: gone })).status).toBe(200);
  await box.ask('/auth/session', { method: 'DELETE', headers: gone });
  await other.administrator.follow(
    box.world.swarm.configs.map(({ id, name, labels }) => ({ id, name, labels })) as never,
  );
  await using restarted = await AdminWorld.open({ world: box.world });
  for (const controller of [other, restarted]) {
    expect((await controller.ask(state, { headers: gone })).status).toBe(401);
    expect((await controller.ask(state, { headers: kept })).status).toBe(200);
  }
});

it('A user who signs out endlessly fills nothing, and ends no session of others', async () => {
  await using box = await AdminWorld.open();
  const admin = await box.bearer('admin');
  const viewer = await box.bearer('viewer');
  for (let times = 0; times < 201; times++) {
    const until = new Date(Date.now() + 3_600_000).toISOString();
    await box.administrator.endSession({ id: `viewer-${times}`, user: 'viewer', until });
  }
  expect(box.administrator.current.endedSessions.length).toBeLessThanOrEqual(200);
  expect((await box.ask(state, { headers: viewer })).status).toBe(401);
  expect((await box.ask(state, { headers: admin })).status).toBe(200);
});

it('A password change ends all sessions and their streams', async () => {
  const box = await AdminWorld.open();
  const headers = await box.bearer('admin');
  const session = await box.session('viewer');
  const stream = await box.start('/api/events', { headers });
  stream.on('error', () => {}).resume();
  // Swarm replaces the controller's task.
  await box[Symbol.asyncDispose]();
  await eventually(() => expect(stream.destroyed).toBe(true), { timeoutMs: 5000, intervalMs: 20 });
  await using changed = await AdminWorld.open({ world: box.world, passwords: { ...passwords, admin: 'another' } });
  expect((await changed.ask(state, { headers })).status).toBe(401);
  const host = `localhost:${box.port}`;
  expect((await changed.ask(state, { headers: { ...pageHeaders(session), host } })).status).toBe(401);
});

it('A stream ends when its token expires', async () => {
  await using box = await AdminWorld.open();
  const headers = await box.bearer('viewer');
  box.skipped = 12 * 3_600_000 - 2000;
  const stream = await box.start('/api/events', { headers });
  stream.resume();
  await sleep(200);
  expect(stream.complete).toBe(false);
  await eventually(() => expect(stream.complete).toBe(true), { timeoutMs: 5000, intervalMs: 50 });
  expect((await box.ask(state, { headers })).status).toBe(401);
});

it('A session has a limited number of streams, and gets new ones when others end', async () => {
  await using box = await AdminWorld.open();
  const headers = await box.bearer('viewer');
  const streams = [];
  for (let count = 0; count < 20; count++) streams.push(await box.start('/api/events', { headers }));
  expect((await box.ask('/api/events', { headers })).status).toBe(429);
  for (const stream of streams) stream.on('error', () => {}).destroy();
  await eventually(
    async () => {
      const again = await box.start('/api/events', { headers });
      again.on('error', () => {}).destroy();
      expect(again.statusCode).toBe(200);
    },
    { timeoutMs: 5000, intervalMs: 100 },
  );
});
