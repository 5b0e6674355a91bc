import { createServer } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { diagnose } from '../../../../src/controller/admin/doctor.ts';
import type { EngineFacts } from '../../../../src/controller/docker/engine-facts.ts';
import { probeManager, probePorts } from '../../../../src/controller/doctor-probes.ts';
import { aNode, aService } from '../../../support/builders.ts';
import { ControllerWorld } from '../../../support/controller-world.ts';

const engine: EngineFacts = {
  nodes: [{ id: 'far', engine: '29.1.0', isReachable: undefined }],
  objects: [
    { kind: 'secret', id: 's1', name: 'shop_site.cert', createdAt: '2020-01-01T00:00:00Z', labels: {} },
    { kind: 'secret', id: 's2', name: 'mounted', createdAt: '2020-01-01T00:00:00Z', labels: {} },
    { kind: 'secret', id: 's3', name: 'forgotten', createdAt: '2020-01-01T00:00:00Z', labels: {} },
    { kind: 'secret', id: 's4', name: 'signalbox.ca', createdAt: '2020-01-01T00:00:00Z', labels: {} },
    {
      kind: 'config',
      id: 'c1',
      name: 'x',
      createdAt: '2020-01-01T00:00:00Z',
      labels: { 'com.signalbox.role': 'proxy' },
    },
  ],
  mounted: new Set(['s2']),
  serviceLabels: [{ 'com.docker.stack.namespace': 'shop', 'com.docker.lb.ssl_cert': 'site.cert' }],
  reports: [
    { nodeId: 'far', ownMs: 20_000, leaderMs: 11_000 },
    { nodeId: 'far', ownMs: 20_000, leaderMs: 90_000 },
  ],
  ownNodeId: 'own',
};

it('facts of the engine, the swarm and the manager become findings', async () => {
  const world = new ControllerWorld();
  world.swarm.addNode(aNode('own', { role: 'manager', address: '10.0.0.1' }));
  world.swarm.addNode(aNode('far', { address: '10.0.0.2' }));
  world.swarm.deploy(aService('shop'));
  await world.settle();
  const asked: string[] = [];

  const view = await diagnose({
    status: () => world.board.current,
    settings: world.settings,
    certificates: () => [],
    engine: async () => engine,
    probePorts: async (targets) => {
      asked.push(...targets.map(({ node, address, port }) => `${node} ${address}:${port}`));
      return new Map([['far', [{ port: 7946, answer: 'silent' }]]]);
    },
    probeManager: async () => ({ disk: undefined, hasIpvs: true, rmemDefault: undefined }),
    now: () => Date.parse('2026-01-01T00:00:00Z'),
  });

  expect(asked).toContain('far 10.0.0.2:7946');
  expect(asked.join()).not.toContain('10.0.0.1');
  const found = Object.fromEntries(
    view!.results.flatMap(({ check, findings }) => findings.map(({ what }) => [check, what])),
  );
  expect(found).toMatchObject({
    engines: expect.stringContaining('far (29.1.0)'),
    ports: expect.stringContaining('far (10.0.0.2)'),
    clocks: 'The clock of far is about 9 s ahead',
    'unused-objects': 'No service mounts 1 secrets, and no label or setting names them: forgotten',
  });
  expect(view!.results.find(({ check }) => check === 'disk')?.status).toBe('unknown');
});

const server = createServer((socket) => socket.end());
afterEach(() => void server.close());

it('ports are probed, and closed ones are told from open ones', async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  server.listen(0, '127.0.0.1', () => resolve());
  await promise;
  const { port } = server.address() as { port: number };
  const closed = createServer();
  const gone = await new Promise<number>((done) =>
    closed.listen(0, '127.0.0.1', () => {
      const { port } = closed.address() as { port: number };
      closed.close(() => done(port));
    }),
  );

  const found = await probePorts([
    { node: 'a', address: '127.0.0.1', port },
    { node: 'a', address: '127.0.0.1', port: gone },
  ]);

  expect(found.get('a')?.toSorted((a, b) => (a.answer < b.answer ? -1 : 1))).toEqual([
    { port, answer: 'open' },
    { port: gone, answer: 'refused' },
  ]);
});

it('the manager is observed without privileges', async () => {
  const { disk } = await probeManager();

  expect(disk!.totalBytes).toBeGreaterThan(disk!.freeBytes);
});
