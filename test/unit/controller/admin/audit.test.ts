// The audit log: who changed what, and from which address. Requests for missing objects are 404.
import { expect, it } from 'vitest';
import {
  changesBounds,
  failedSignInsBounds,
  recordChange,
  recordFailedSignIns,
  untouched,
} from '../../../../src/model/access/administration.ts';
import { AdminWorld } from '../../../support/admin-world.ts';

interface Entry {
  readonly at: string;
  readonly who: string;
  readonly address: string | null;
  readonly what: string;
}

async function auditOf(box: AdminWorld, headers: Record<string, string>): Promise<Entry[]> {
  return JSON.parse((await box.ask('/api/audit', { headers })).body);
}

it('the audit log records user and address of every change', async () => {
  await using box = await AdminWorld.open();
  const headers = await box.bearer('admin', '127.0.0.5');
  await box.ask('/api/interlock', { method: 'POST', headers, body: { HTTPPort: 81 }, from: '127.0.0.5' });
  await box.ask('/api/maintenance/hosts/shop.example.org', { method: 'PUT', headers, from: '127.0.0.6' });
  expect(await auditOf(box, headers)).toMatchObject([
    {
      who: 'admin',
      address: expect.stringContaining('127.0.0.6'),
      what: 'Started maintenance of host shop.example.org',
    },
    { who: 'admin', address: expect.stringContaining('127.0.0.5'), what: 'Switched on, HTTP 81, HTTPS 8443' },
  ]);
});

it('the audit log still has earlier changes after 300 others', async () => {
  await using box = await AdminWorld.open();
  const actor = { name: 'admin', address: '192.0.2.1' };
  await box.administrator.disable({ name: 'admin', address: '198.51.100.1' });
  for (let times = 0; times < 150; times++) {
    await box.administrator.enable(actor, {});
    await box.administrator.disable(actor);
  }
  const entries = await auditOf(box, await box.bearer('viewer'));
  expect(entries).toHaveLength(301);
  expect(entries.at(-1)).toMatchObject({ address: '198.51.100.1', what: 'Switched off' });
  const { changes } = JSON.parse((await box.ask('/api/state', { headers: await box.bearer('viewer') })).body);
  expect(changes).toHaveLength(50);
});

it('the audit log records and writes nothing for calls that change nothing', async () => {
  await using box = await AdminWorld.open();
  const headers = await box.bearer('admin');
  const host = '/api/maintenance/hosts/shop.example.org';
  const body = { allow: ['192.0.2.7'] };
  expect((await box.ask(host, { method: 'PUT', headers, body })).status).toBe(204);
  const before = await auditOf(box, headers);
  const writes = await box.world.writesOf(async () => {
    for (let times = 0; times < 30; times++) {
      expect((await box.ask('/api/interlock', { method: 'POST', headers, body: {} })).status).toBe(200);
      expect((await box.ask(host, { method: 'PUT', headers, body })).status).toBe(204);
      expect((await box.ask('/api/clusters/default/hold', { method: 'DELETE', headers })).status).toBe(204);
    }
  });
  expect(writes).toEqual([]);
  expect(await auditOf(box, headers)).toEqual(before);
  await box.ask('/api/interlock', { method: 'DELETE', headers });
  await box.ask('/api/interlock', { method: 'DELETE', headers });
  expect(await auditOf(box, headers)).toHaveLength(before.length + 1);
});

it('the audit log records a change that another controller has made obsolete', async () => {
  await using box = await AdminWorld.open();
  await using other = await AdminWorld.open({ world: box.world });
  await box.administrator.disable({ name: 'admin' });
  // It has not observed that yet, and its state says that routing is on.
  await other.administrator.enable({ name: 'admin' }, {});
  expect(other.administrator.current).toMatchObject({ enabled: true });
  expect(other.administrator.current.changes.map(({ what }) => what)).toEqual([
    'Switched on, HTTP 8080, HTTPS 8443',
    'Switched off',
  ]);
});

it.each([
  ['GET', '/api/clusters/nothing/versions'],
  ['GET', '/api/clusters/nothing/versions/0123456789abcdef'],
  ['GET', '/api/clusters/default/versions/0123456789abcdef'],
  ['PUT', '/api/clusters/nothing/versions/0123456789abcdef/hold'],
  ['PUT', '/api/clusters/default/versions/0123456789abcdef/hold'],
  ['DELETE', '/api/clusters/nothing/hold'],
  ['DELETE', '/api/clusters/__proto__/hold'],
  ['DELETE', '/api/clusters/constructor/hold'],
  ['PUT', '/api/maintenance/hosts/nothing.example.org'],
  ['DELETE', '/api/maintenance/hosts/nothing.example.org'],
  ['PUT', '/api/maintenance/services/nothing'],
  ['DELETE', '/api/maintenance/services/nothing'],
])('%s %s is 404, and nothing is recorded', async (method, path) => {
  await using box = await AdminWorld.open();
  const headers = await box.bearer('admin');
  const answer = await box.ask(path, { method, headers });
  expect(JSON.parse(answer.body)).toMatchObject({ status: 404, title: expect.any(String), detail: expect.any(String) });
  expect(await auditOf(box, headers)).toEqual([]);
});

it('the audit log is limited by age and size, and failed sign-ins displace no change', () => {
  const at = (day: number) => new Date(Date.parse('2026-01-01T00:00:00Z') + day * 86_400_000).toISOString();
  const entry = (day: number, what = 'Switched off') => ({ at: at(day), who: 'admin', address: '192.0.2.1', what });
  let kept = recordChange(recordChange(untouched, entry(0)), entry(1));
  kept = recordChange(kept, entry(changesBounds.days + 1));
  expect(kept.changes.map((change) => change.at)).toEqual([at(changesBounds.days + 1), at(1)]);
  for (let n = 0; n < 3000; n++) kept = recordChange(kept, entry(400, `${n} ${'x'.repeat(200)}`));
  const size = (value: unknown) => Buffer.byteLength(JSON.stringify(value));
  expect(size(kept.changes)).toBeLessThanOrEqual(changesBounds.bytes + 2);
  expect(kept.changes.length).toBeGreaterThan(300);
  expect(kept.changes[0]!.what).toContain('2999 ');
  const { changes } = kept;
  for (let n = 0; n < 300; n++)
    kept = recordFailedSignIns(
      kept,
      Array.from({ length: 51 }, () => entry(401, 'x'.repeat(90))),
      at(401),
    );
  expect(size(kept.failedSignIns)).toBeLessThanOrEqual(failedSignInsBounds.bytes + 2);
  expect(kept.changes).toEqual(changes);
  kept = recordFailedSignIns(kept, [entry(500)], at(500));
  expect(kept.failedSignIns).toHaveLength(1);
});

it.each(['app.example.org', 'http://app.example.org/path', 'https://shop.example.org/?a=b', ' shop.example.org '])(
  'explains %j, which its schema accepts, also while routing is off',
  async (url) => {
    await using box = await AdminWorld.open();
    const headers = await box.bearer('viewer');
    const path = `/api/explain?url=${encodeURIComponent(url)}`;
    expect((await box.ask(path, { headers })).status).toBe(200);
    await box.administrator.disable({ name: 'admin' });
    await box.world.settle();
    expect((await box.ask(path, { headers })).status).toBe(200);
  },
);

it.each(['', '?url=', '?url=ftp%3A%2F%2Fshop', `?url=${'x'.repeat(9000)}`, '?url=http%3A%2F%2F', '?other=x'])(
  'does not explain %s',
  async (query) => {
    await using box = await AdminWorld.open();
    const answer = await box.ask(`/api/explain${query}`, { headers: await box.bearer('viewer') });
    expect(JSON.parse(answer.body)).toMatchObject({ status: 400, detail: expect.stringContaining('not a valid URL') });
  },
);
