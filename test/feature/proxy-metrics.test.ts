// Who may read the proxies' metrics.
import { describe, expect, it } from 'vitest';
import { controlNetwork } from '../../src/model/names.ts';
import { aNetwork, aService } from '../support/builders.ts';
import { ControllerWorld } from '../support/controller-world.ts';

const settings = { Extensions: { default: { MetricsSecret: 'token' } } };
const createToken = (world: ControllerWorld) => world.swarm.createSecret({ name: 'token', labels: {}, data: 'secret' });

type Secret = { readonly SecretName: string; readonly File: { readonly Name: string } };
const secretsOf = (world: ControllerWorld): string[] =>
  world.swarm
    .service('signalbox-proxy')
    .spec.TaskTemplate.ContainerSpec.Secrets.map(({ SecretName, File }: Secret) => `${SecretName} ${File.Name}`);

it('access to metrics is controlled by a secret, which is attached to proxies beside those of services as soon as it exists', async () => {
  const world = new ControllerWorld({ settings, agents: true });
  world.swarm.deploy(aService('app', { lb: { ssl_cert: 'token' } }));
  await world.settle();
  expect(secretsOf(world).filter((secret) => secret.startsWith('token'))).toEqual([]);

  await createToken(world);
  await world.settle();

  // A label cannot use it.
  expect(secretsOf(world).filter((secret) => secret.startsWith('token'))).toEqual([
    'token /run/signalbox-metrics-token',
  ]);
});

it('access to metrics is removed with the setting', async () => {
  const world = new ControllerWorld({ settings, agents: true });
  await createToken(world);
  world.swarm.deploy(aService('app'));
  await world.settle();
  expect(secretsOf(world)).toContain('token /run/signalbox-metrics-token');

  const successor = world.restart({});
  await successor.settle();

  expect(secretsOf(successor).filter((secret) => secret.startsWith('token'))).toEqual([]);
});

describe('metrics on the control network', () => {
  const subnetsOf = async (cluster: object): Promise<string[]> => {
    const world = new ControllerWorld({ settings: { Extensions: { default: cluster } }, agents: true });
    world.swarm.addNetwork(aNetwork(controlNetwork, { subnets: ['10.0.1.0/24', '10.0.2.0/24'] }));
    world.swarm.addNetwork(aNetwork('app', { subnets: ['10.0.9.0/24'] }));
    world.swarm.deploy(aService('app'));
    await world.settle();
    const env: string[] = world.swarm.service('signalbox-proxy').spec.TaskTemplate.ContainerSpec.Env;
    return env.filter((variable) => variable.startsWith('SIGNALBOX_METRICS_SUBNETS='));
  };

  it('are on by default, for its subnets only', async () => {
    expect(await subnetsOf({})).toEqual(['SIGNALBOX_METRICS_SUBNETS=10.0.1.0/24 10.0.2.0/24']);
  });

  it.each([
    ['they are turned off', { Metrics: false }],
    ['a token is required that does not exist', { MetricsSecret: 'missing' }],
    ['there are no agents', { HitlessServiceUpdate: false }],
    ['their port is that of routes', { TargetPort: 9146 }],
    ['their port is that of routes over TLS', { TargetSSLPort: 9146 }],
  ])('are off if %s', async (_, cluster) => {
    expect(await subnetsOf(cluster)).toEqual([]);
  });
});

it('requests are counted also without it', async () => {
  const world = new ControllerWorld({ agents: true });
  world.swarm.deploy(aService('app'));
  await world.settle();

  expect(world.served()).toContain('include /tmp/signalbox/metrics.conf*;');
  expect(world.served()).toContain('include /tmp/signalbox/errors.conf*;');
});
