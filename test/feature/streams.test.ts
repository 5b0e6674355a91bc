// TCP and UDP ports reach the proxies: published by Swarm, routed in place.
import { expect, it } from 'vitest';
import { explainEverywhere } from '../../src/controller/admin/explain.ts';
import { toPlanView } from '../../src/controller/admin/plan.ts';
import { scopeState } from '../../src/controller/admin/scope.ts';
import { toState } from '../../src/controller/admin/state.ts';
import { RetryableError } from '../../src/lib/retryable.ts';
import { untouched } from '../../src/model/access/administration.ts';
import { aService } from '../support/builders.ts';
import { ControllerWorld } from '../support/controller-world.ts';

const settings = { Extensions: { default: { TcpPorts: [5432], UdpPorts: [53] } } };
const db = (lb = {}) => aService('db', { host: '', port: '5432', lb: { tcp_port: '5432', ...lb } });

const portsOf = (world: ControllerWorld) =>
  world.swarm
    .service('signalbox-proxy')
    .spec.EndpointSpec.Ports.map(
      ({ Protocol, PublishedPort, TargetPort }: Record<string, unknown>) =>
        `${PublishedPort}:${TargetPort}/${Protocol}`,
    );

async function aWorld(): Promise<ControllerWorld> {
  const world = new ControllerWorld({ settings, agents: true });
  world.swarm.deploy(db());
  await world.settle();
  return world;
}

it('publishes the ports, and routes them', async () => {
  const world = await aWorld();

  expect(portsOf(world)).toEqual(['8080:80/tcp', '8443:443/tcp', '5432:5432/tcp', '53:53/udp']);
  expect(world.served()).toMatch(/listen 5432 [\s\S]*proxy_pass "[0-9a-f]{16}-tasks\.db\.app-5432";/);
});

it('replaces the proxies for other ports, and the plan tells before', async () => {
  const world = await aWorld();
  const successor = world.restart({ Extensions: { default: { TcpPorts: [5432, 6379] } } });
  const { index } = world.swarm.service('signalbox-proxy');

  successor.swarm.failNext('updateService', new RetryableError('no quorum'));
  await expect(successor.pass()).rejects.toThrow('no quorum');
  expect(toPlanView(successor.preview.planned, undefined).actions).toContainEqual({
    ...{ cluster: 'default', kind: 'update-service' },
    sentence: expect.stringMatching(/^Update the service signalbox-proxy .*Swarm replaces its tasks/),
  });
  await successor.settle();

  expect(portsOf(successor)).toEqual(['8080:80/tcp', '8443:443/tcp', '5432:5432/tcp', '6379:6379/tcp']);
  expect(successor.swarm.service('signalbox-proxy').index).toBeGreaterThan(index);
  expect(toPlanView(successor.preview.planned, undefined).actions).toEqual([]);
});

it('changes routes in place, without an update of the proxies', async () => {
  const world = await aWorld();
  const { index } = world.swarm.service('signalbox-proxy');

  world.swarm.deploy(db({ connect_timeout: '2s' }));
  await world.settle();

  expect(world.swarm.service('signalbox-proxy').index).toBe(index);
  expect(world.served()).toContain('proxy_connect_timeout 2s;');
});

it('shows ports and their services', async () => {
  const world = await aWorld();
  world.swarm.deploy({
    ...aService('dns', { host: '', lb: { udp_port: '53' } }),
    mode: { kind: 'replicated', replicas: 0 },
  });
  await world.settle();

  const { streams, services } = toState(world.board.current, undefined, untouched);
  expect(streams).toEqual([
    {
      ...{ cluster: 'default', protocol: 'tcp', port: 5432, host: null, tls: 'none' },
      service: 'db',
      available: true,
      answer: 'forwarded',
    },
    expect.objectContaining({
      protocol: 'udp',
      port: 53,
      service: 'dns',
      available: false,
      answer: 'closed: no tasks are desired',
    }),
  ]);
  expect(services.map(({ name }) => name)).toEqual(['db', 'dns']);
  const { clusters } = world.status.desired;
  const answers = (url: string) => explainEverywhere(clusters, url)?.map(({ answer }) => answer.kind);
  expect(['tcp://db:5432', 'udp://dns:53', 'tcp://db:6379'].map(answers)).toEqual([
    ['service'],
    ['refused'],
    ['refused'],
  ]);
  const state = toState(world.board.current, undefined, untouched);
  expect(scopeState(state, { cluster: 'default' })).toMatchObject({ streams, services });
  expect(scopeState(state, { cluster: 'other' })).toMatchObject({ streams: [], services: [] });
});
