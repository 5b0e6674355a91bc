// API tokens, and attacks on them.
import { describe, expect, it } from 'vitest';
import { AdminWorld } from '../../../support/admin-world.ts';
import { aService } from '../../../support/builders.ts';
import { ControllerWorld } from '../../../support/controller-world.ts';
import { eventually } from '../../../support/eventually.ts';

const DAY_MS = 24 * 3_600_000;

describe('An API token', () => {
  it('is shown once, and only its hash is stored', async () => {
    await using box = await AdminWorld.open();
    const { token, headers, hash, ...view } = { hash: '', ...(await box.apiToken({ name: 'ci', role: 'operator' })) };
    expect(token).toMatch(/^sbt_[\w-]{43}$/);
    expect(view).toMatchObject({ name: 'ci', role: 'operator', cluster: null, createdBy: 'admin' });
    const listed = await box.ask('/api/tokens', { headers: await box.bearer('anna') });
    expect(JSON.parse(listed.body)).toEqual([view]);
    const kept = JSON.stringify([box.world.swarm.configs, box.logs]);
    expect(kept).toContain('"ci');
    expect(kept).not.toContain(token.slice(4));
    const user = await box.ask('/api/user', { headers });
    expect(JSON.parse(user.body)).toEqual({ name: 'ci', role: 'operator', via: 'token', cluster: null });
  });

  it('is valid for the requested time, and its streams end with it', async () => {
    await using box = await AdminWorld.open();
    const { headers } = await box.apiToken({ name: 'ci', role: 'viewer', days: 2 });
    box.skipped = 2 * DAY_MS - 1500;
    const stream = await box.start('/api/events', { headers });
    stream.resume();
    await eventually(() => expect(stream.complete).toBe(true), { timeoutMs: 5000, intervalMs: 20 });
    expect((await box.ask('/api/state', { headers })).status).toBe(401);
    expect(JSON.parse((await box.ask('/api/tokens', { headers: await box.bearer('admin') })).body)).toEqual([]);
    // Its name is available again.
    await box.apiToken({ name: 'ci', role: 'viewer' });
    expect(box.administrator.current.tokens.length).toBe(1);
  });

  it('is rejected once it is revoked, and its streams end immediately', async () => {
    await using box = await AdminWorld.open();
    const { id, headers } = await box.apiToken({ name: 'ci', role: 'operator' });
    const other = await box.apiToken({ name: 'other', role: 'viewer' });
    const [ended, going] = [await box.start('/api/events', { headers }), await box.start('/api/events', other)];
    for (const stream of [ended, going]) stream.on('error', () => {}).resume();
    const admin = await box.bearer('admin');
    expect((await box.ask(`/api/tokens/${id}`, { method: 'DELETE', headers: admin })).status).toBe(204);
    await eventually(() => expect(ended.complete).toBe(true), { timeoutMs: 5000, intervalMs: 20 });
    expect(going.complete).toBe(false);
    expect((await box.ask('/api/state', { headers })).status).toBe(401);
    expect((await box.ask(`/api/tokens/${id}`, { method: 'DELETE', headers: admin })).status).toBe(404);
    const audit = JSON.parse((await box.ask('/api/audit', { headers: admin })).body);
    expect(audit[0]).toMatchObject({ who: 'admin', via: 'password', what: 'Revoked the token ci' });
    expect(audit[2].what).toMatch(/^Created the token ci, operator, until 20/);
  });

  it('is valid on other controllers and after a restart, and revoked there, too', async () => {
    await using box = await AdminWorld.open();
    await using other = await AdminWorld.open({ world: box.world });
    const { id, headers } = await box.apiToken({ name: 'ci', role: 'viewer' });
    const follow = () =>
      other.administrator.follow(
        box.world.swarm.configs.map(({ id, name, labels }) => ({ id, name, labels })) as never,
      );
    await follow();
    expect((await other.ask('/api/state', { headers })).status).toBe(200);
    await box.ask(`/api/tokens/${id}`, { method: 'DELETE', headers: await box.bearer('admin') });
    await follow();
    await using restarted = await AdminWorld.open({ world: box.world });
    for (const controller of [other, restarted])
      expect((await controller.ask('/api/state', { headers })).status).toBe(401);
  });

  it('is kept if two controllers create tokens at once', async () => {
    await using box = await AdminWorld.open();
    await using other = await AdminWorld.open({ world: box.world });
    await Promise.all([box.apiToken({ name: 'one', role: 'viewer' }), other.apiToken({ name: 'two', role: 'viewer' })]);
    await using restarted = await AdminWorld.open({ world: box.world });
    expect(restarted.administrator.current.tokens.map(({ name }) => name).toSorted()).toEqual(['one', 'two']);
  });

  it('is recorded by name when it changes something', async () => {
    await using box = await AdminWorld.open();
    const { headers } = await box.apiToken({ name: 'ci', role: 'operator' });
    await box.ask('/api/interlock', { method: 'DELETE', headers });
    const [change] = JSON.parse((await box.ask('/api/audit', { headers })).body);
    expect(change).toMatchObject({ who: 'ci', via: 'token', what: 'Switched off' });
  });

  it('can scrape metrics', async () => {
    await using box = await AdminWorld.open();
    const { headers } = await box.apiToken({ name: 'prometheus', role: 'viewer' });
    expect((await box.ask('/metrics', { headers })).status).toBe(200);
  });

  it.each([
    [{ role: 'viewer' }, 400],
    [{ name: 'a b', role: 'viewer' }, 400],
    [{ name: 'ci', role: 'admin' }, 400],
    [{ name: 'ci', role: 'viewer', days: 0 }, 400],
    [{ name: 'ci', role: 'viewer', days: 367 }, 400],
    [{ name: 'ci', role: 'viewer', hash: 'x' }, 400],
    [{ name: 'ci', role: 'viewer', cluster: 'nowhere' }, 404],
    [{ name: 'taken', role: 'viewer' }, 409],
  ])('cannot be created from %j', async (body, status) => {
    await using box = await AdminWorld.open();
    await box.apiToken({ name: 'taken', role: 'viewer' });
    const headers = await box.bearer('admin');
    expect((await box.ask('/api/tokens', { method: 'POST', headers, body })).status).toBe(status);
    expect(box.administrator.current.tokens.length).toBe(1);
  });

  it('is limited in number to 200', async () => {
    await using box = await AdminWorld.open();
    const wanted = { role: 'viewer', hash: 'x', days: 366 } as const;
    for (let n = 0; n < 200; n++)
      await box.administrator.createToken({ name: 'admin' }, { ...wanted, id: `${n}`, name: `token-${n}` });
    await expect(box.apiToken({ name: 'more', role: 'viewer' })).rejects.toThrow('Too many tokens');
    // Docker configs hold 500 KB, shared with the audit log.
    expect(Buffer.byteLength(JSON.stringify(box.administrator.current.tokens))).toBeLessThan(100_000);
  });
});

describe('A token of one cluster', () => {
  const settings = {
    Extensions: { default: {}, east: { ServiceCluster: 'east', PublishedPort: 81, PublishedSSLPort: 8444 } },
  };

  async function open() {
    const world = new ControllerWorld({ settings });
    const cluster = (name: string) => ({ lb: { service_cluster: name } });
    world.swarm.deploy(aService('web', { host: 'web.example.org' }));
    world.swarm.deploy(aService('east_web', { host: 'east.example.org', ...cluster('east') }));
    world.swarm.deploy(aService('shared', { host: 'shared.example.org' }));
    world.swarm.deploy(aService('east_shared', { host: 'shared.example.org', ...cluster('east') }));
    world.swarm.deploy(aService('broken', { host: 'broken.example.org', lb: { ip_hash: 'yes please' } }));
    await world.settle();
    return AdminWorld.open({ world });
  }

  it('sees only objects of that cluster', async () => {
    await using box = await open();
    const { headers } = await box.apiToken({ name: 'east', role: 'viewer', cluster: 'east' });
    const read = async (path: string) => (await box.ask(path, { headers })).body;
    const state = JSON.parse(await read('/api/state'));
    expect(state.clusters.map(({ name }: { name: string }) => name)).toEqual(['east']);
    expect(state.routes.map(({ host }: { host: string }) => host)).toEqual(['east.example.org', 'shared.example.org']);
    expect([state.problems, state.changes]).toEqual([[], []]);
    const stream = await box.start('/api/events', { headers });
    const [first] = await stream.take(1).toArray();
    stream.destroy();
    for (const seen of [JSON.stringify(state), String(first), await read('/api/explain?url=web.example.org')])
      for (const hidden of ['"web"', 'broken', '"default"']) expect(seen).not.toContain(hidden);
    for (const path of ['/api/audit', '/api/interlock', '/metrics', '/api/clusters/default/versions'])
      expect((await box.ask(path, { headers })).status, path).toBe(403);
  });

  it('changes only objects of that cluster alone', async () => {
    await using box = await open();
    const { headers } = await box.apiToken({ name: 'east', role: 'administrator', cluster: 'east' });
    const statusOf = async (method: string, path: string) => (await box.ask(path, { method, headers })).status;
    const [version] = JSON.parse((await box.ask('/api/clusters/east/versions', { headers })).body);
    const hold = (cluster: string) => statusOf('PUT', `/api/clusters/${cluster}/versions/${version.version}/hold`);
    for (const cluster of ['default', 'DEFAULT', '%64efault', 'east%2F..%2Fdefault', 'east%00', '%'])
      expect(await hold(cluster), cluster).toBe(403);
    expect(await hold('east')).toBe(204);
    expect(await statusOf('DELETE', '/api/clusters/default/hold')).toBe(403);
    expect(await statusOf('PUT', '/api/maintenance/hosts/east.example.org')).toBe(204);
    expect(await statusOf('DELETE', '/api/maintenance/hosts/east.example.org')).toBe(204);
    for (const path of ['hosts/web.example.org', 'hosts/shared.example.org', 'hosts/nobody', 'hosts/*', 'services/web'])
      for (const method of ['PUT', 'DELETE'])
        expect(await statusOf(method, `/api/maintenance/${path}`), path).toBe(403);
    expect(await statusOf('DELETE', '/api/interlock')).toBe(403);
    expect(box.administrator.current).toMatchObject({
      enabled: true,
      held: { east: version.version },
      maintenance: [],
    });
  });
});

describe('Roles cannot be raised', () => {
  it('by an API token that creates another one', async () => {
    await using box = await AdminWorld.open();
    const { headers } = await box.apiToken({ name: 'root', role: 'administrator' });
    const body = { name: 'more', role: 'administrator' };
    expect((await box.ask('/api/tokens', { method: 'POST', headers, body })).status).toBe(403);
    expect((await box.ask('/auth/session', { method: 'DELETE', headers })).status).toBe(403);
    expect((await box.ask('/api/state', { headers })).status).toBe(200);
  });

  it.each(['otto', 'vera', 'viewer'] as const)('by %s, with a token', async (user) => {
    await using box = await AdminWorld.open();
    const headers = await box.bearer(user);
    const body = { name: 'more', role: 'administrator' };
    expect((await box.ask('/api/tokens', { method: 'POST', headers, body })).status).toBe(403);
    expect((await box.ask('/api/users', { headers })).status).toBe(403);
    expect(box.administrator.current.tokens).toEqual([]);
  });
});
