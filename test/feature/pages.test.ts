// The administrator's own pages, for hosts that no service answers and for hosts under maintenance.
import { expect, it } from 'vitest';
import { aService } from '../support/builders.ts';
import { ControllerWorld } from '../support/controller-world.ts';
import { findAll, parseNginx } from '../support/nginx-parser.ts';

const settings = {
  Extensions: { default: { UnavailablePage: 'gone-page', MaintenancePage: 'works-page', NotFoundPage: 'lost-page' } },
};
const html = '<p class="a">$5 a\\n <b>{}\'; ß 🚧</p>\n';

/** The page that nginx would assemble from the parts. */
function page(configuration: string, name: string): string {
  const parts = [...findAll(parseNginx(configuration), 'geo')].filter(({ args }) =>
    args[0]!.startsWith(`$${name}_page_`),
  );
  return parts.map(({ block }) => block![0]!.args[0]).join('');
}

it('Shows pages from Docker configs, and the built-in ones while those are missing', async () => {
  const world = new ControllerWorld({ settings });
  world.swarm.deploy(aService('gone', { mode: { kind: 'replicated', replicas: 0 } }));
  world.swarm.deploy(aService('shop', { lb: { maintenance: 'true' } }));
  await world.settle();
  const missing = { severity: 'error', cluster: 'default', reason: 'is not a Docker config of this swarm' };
  expect(world.problems).toMatchObject([
    { ...missing, label: 'Extensions.default.MaintenancePage', value: 'works-page' },
    { ...missing, label: 'Extensions.default.NotFoundPage', value: 'lost-page' },
    { ...missing, label: 'Extensions.default.UnavailablePage', value: 'gone-page' },
  ]);
  const built = world.served();
  expect(built).toContain('503 Under Maintenance');

  const long = html.repeat(1000);
  const ids = [
    await world.swarm.createConfig({ name: 'gone-page', labels: {}, data: html }),
    await world.swarm.createConfig({ name: 'works-page', labels: {}, data: long }),
    await world.swarm.createConfig({ name: 'lost-page', labels: {}, data: `${html}404` }),
  ];
  await world.settle();
  expect(world.problems).toEqual([]);
  expect(page(world.served(), 'unavailable')).toBe(html);
  expect(page(world.served(), 'maintenance')).toBe(long);
  expect(page(world.served(), 'not_found')).toBe(`${html}404`);

  for (const id of ids) await world.swarm.removeConfig(id);
  await world.settle();
  expect(world.served()).toBe(built);
});

it.each([
  ['is larger than 64 KB', 'x'.repeat(65_537)],
  ['is not UTF-8 text', 'a\0b'],
  ['is not UTF-8 text', '\ufffd'],
])('Reports a page that cannot be used because it %s', async (reason, data) => {
  const world = new ControllerWorld({ settings: { Extensions: { default: { UnavailablePage: 'page' } } } });
  await world.swarm.createConfig({ name: 'page', labels: {}, data });
  await world.settle();
  expect(world.problems).toMatchObject([{ label: 'Extensions.default.UnavailablePage', reason }]);
  expect(world.served()).toContain('503 Service Unavailable');
});
