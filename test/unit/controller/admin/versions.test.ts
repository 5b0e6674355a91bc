import { expect, it } from 'vitest';
import { AdminWorld } from '../../../support/admin-world.ts';
import { aService } from '../../../support/builders.ts';

it('versions say what they changed and who caused it, and what a roll-back would change', async () => {
  await using box = await AdminWorld.open();
  const headers = await box.bearer('admin');
  const read = async (path: string) => JSON.parse((await box.ask(`/api/clusters/default/${path}`, { headers })).body);
  const { swarm } = box.world;
  swarm.clock.advance(60_000);
  swarm.deploy(aService('blog'));
  await box.world.settle();
  swarm.clock.advance(60_000);
  const put = { method: 'PUT', headers, body: {} };
  expect((await box.ask('/api/maintenance/hosts/shop.example.org', put)).status).toBe(204);
  box.world.administration = box.administrator.current;
  await box.world.settle();

  const [closed, added, first] = await read('versions');

  expect(closed.changes.lines).toEqual(['~ shop.example.org: shop → maintenance']);
  expect(added).toMatchObject({
    cause: null,
    changes: { appear: ['blog.example.org'], disappear: [], lines: ['+ blog.example.org → blog'] },
  });
  expect(first.changes).toBeNull();
  expect(await read(`versions/${first.version}/changes`)).toEqual({
    appear: [],
    disappear: ['blog.example.org'],
    lines: ['− blog.example.org → blog', '~ shop.example.org: maintenance → shop'],
    total: { appear: 0, disappear: 1, lines: 2 },
  });
  expect((await box.ask('/api/clusters/default/versions/0123456789abcdef/changes', { headers })).status).toBe(404);
});
