// Unchanged parts are not computed again: the result is the same object.
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Observer } from '../../src/controller/docker/observer.ts';
import { createStateBuilder } from '../../src/model/desired-state.ts';
import { createRouteTableBuilder } from '../../src/model/route-table.ts';
import { parseSettings } from '../../src/model/settings/settings.ts';
import type { Snapshot, SwarmService } from '../../src/model/snapshot.ts';
import { aNetwork, aNode, aService } from '../support/builders.ts';
import { engineNetwork, engineService, FakeDocker } from '../support/fake-docker.ts';

const { settings } = parseSettings({}, '1');
const networks = [aNetwork('app')];
const nodes = [aNode('node')];
const nothing = { hostTasks: [], configs: [], secrets: [], owned: [] };

function seen(services: readonly SwarmService[], more: Partial<Snapshot> = {}): Snapshot {
  return { services, networks, nodes, ...nothing, ...more };
}

const shop = aService('shop', { createdAt: '1' });
const blog = aService('blog', { createdAt: '2' });

it('the controller keeps what an event does not name, and what a listing shows unchanged', async () => {
  const docker = new FakeDocker();
  docker.objects.network.set('app', engineNetwork('app'));
  for (const name of ['shop', 'blog']) docker.objects.service.set(name, engineService(name, { note: 'a note' }));
  const observer = new Observer(docker.client);
  const before = await observer.observe();

  docker.objects.service.set('blog', engineService('blog', { note: 'another' }));
  observer.note('service', 'blog');
  const named = await observer.observe();
  observer.forget();
  const listed = await observer.observe();

  expect(named.services[0]).toBe(before.services[0]);
  expect(named.services[1]).toMatchObject({ labels: { note: 'another' } });
  expect(listed.services).toBe(named.services);
  expect(listed.networks).toBe(before.networks);
});

it('the controller keeps the routes of services that a change does not affect', () => {
  const build = createStateBuilder();
  const before = build(seen([shop, blog]), settings).clusters[0]!;

  const scaled = build(seen([{ ...shop, mode: { kind: 'replicated', replicas: 2 } }, blog]), settings).clusters[0]!;
  const moved = build(seen([aService('shop', { createdAt: '1', port: '9090' }), blog]), settings).clusters[0]!;

  expect(scaled.routes).toBe(before.routes);
  expect(moved.routes[0]).not.toEqual(before.routes[0]);
  expect(moved.routes[1]).toBe(before.routes[1]);
  expect(moved.table.servers[0]).toBe(before.table.servers[0]);
});

it('the controller parses again if the context has changed', () => {
  const build = createStateBuilder();
  const tls = aService('shop', { lb: { ssl_cert: 'shop.pem' } });
  const everywhere = aService('everywhere', { networks: [], mode: { kind: 'global' } });
  const hosted = aService('hosted', {
    networks: [],
    ports: [{ target: 8080, published: 80, mode: 'host', protocol: 'tcp' }],
  });
  const services = [tls, everywhere, hosted];
  const task = { serviceId: 'hosted', nodeId: 'node', ports: hosted.ports };
  const secret = { id: 'pem', name: 'shop.pem', createdAt: '', labels: {} };

  const none = build(seen(services), settings);
  const all = build(seen(services, { secrets: [secret], hostTasks: [task] }), settings);
  const gone = build(seen(services, { networks: [], secrets: [secret] }), settings);

  const kinds = ({ clusters: [cluster] }: typeof none) =>
    Object.fromEntries(cluster!.routes.map(({ service, tls, backend }) => [service.name, [tls.kind, backend.kind]]));
  expect(kinds(none)).toMatchObject({ shop: ['closed', 'unavailable'], hosted: ['none', 'unavailable'] });
  expect(kinds(all)).toMatchObject({ shop: ['terminated', 'peers'], hosted: ['none', 'peers'] });
  expect(kinds(gone)).toMatchObject({ shop: ['closed', 'unavailable'], hosted: ['none', 'unavailable'] });
});

it('the controller reaches the same state whatever the order of events', () => {
  const services = Array.from({ length: 40 }, (_, n) =>
    aService(`service${n}`, {
      createdAt: String(n % 7),
      host: `host${n % 13}.example.org`,
      port: String(80 + (n % 3)),
    }),
  );
  const build = createStateBuilder();
  for (const [from, to] of [
    [0, 40],
    [10, 30],
    [0, 5],
    [3, 40],
  ]) {
    const some = seen(services.slice(from, to));
    const remembered = build(some, settings);
    const fresh = createStateBuilder()(structuredClone(some), settings);
    expect(remembered).toEqual(fresh);
    expect(remembered.clusters[0]!.table).toEqual(fresh.clusters[0]!.table);
  }
});

it('the controller reaches the same table whatever the order of events, if hosts are shared', () => {
  const random = fc.sample(fc.array(fc.nat(59), { maxLength: 60 }), { numRuns: 60, seed: 5 });
  const all = Array.from({ length: 60 }, (_, n) =>
    aService(`service${n}`, {
      createdAt: String(n % 11),
      host: `host${n % 17}.example.org, *.host${n % 5}.example.org`,
      lb: { context_root: `/path${n % 3}`, ...(n % 4 === 0 ? { default_backend: 'true' } : {}) },
    }),
  );
  const build = createStateBuilder();
  for (const chosen of random) {
    const services = [...new Set(chosen)].map((n) => all[n]!);
    const { routes, table } = build(seen(services), settings).clusters[0]!;
    expect(table).toEqual(createRouteTableBuilder()(structuredClone(routes)));
  }
});
