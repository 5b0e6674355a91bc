// Who may read the proxies' metrics.
import { expect, it } from 'vitest';
import { aService } from '../support/builders.ts';
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

it('requests are counted also without it', async () => {
  const world = new ControllerWorld({ agents: true });
  world.swarm.deploy(aService('app'));
  await world.settle();

  expect(world.served()).toContain('include /tmp/signalbox/metrics.conf*;');
  expect(world.served()).toContain('include /tmp/signalbox/errors.conf*;');
});
