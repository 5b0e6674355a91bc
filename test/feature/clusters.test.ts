// Service clusters share the controller and nothing else.

import { expect, it } from 'vitest';
import { RetryableError } from '../../src/lib/retryable.ts';
import { aService } from '../support/builders.ts';
import { ControllerWorld, serverOf } from '../support/controller-world.ts';

const east = { ServiceCluster: 'east', PublishedPort: 8081, PublishedSSLPort: 8444 };
const two = { Extensions: { default: {}, east } };
const inEast = (name: string) => aService(name, { lb: { service_cluster: 'east' } });

it('publishes each service in its own cluster', async () => {
  const world = new ControllerWorld({ settings: two });

  world.swarm.deploy(aService('shop'));
  world.swarm.deploy(inEast('blog'));
  await world.settle();

  expect(serverOf(world.served('signalbox-proxy'), 'shop.example.org')).toBeDefined();
  expect(serverOf(world.served('signalbox-proxy'), 'blog.example.org')).toBeUndefined();
  expect(serverOf(world.served('signalbox-proxy-east'), 'blog.example.org')).toBeDefined();
});

it('writes nothing for a cluster when a service of another cluster changes', async () => {
  const world = new ControllerWorld({ settings: two });
  world.swarm.deploy(aService('shop'));
  world.swarm.deploy(inEast('blog'));
  await world.settle();
  const { index } = world.swarm.service('signalbox-proxy');

  world.swarm.deploy(aService('blog', { lb: { service_cluster: 'east', context_root: '/blog' } }));
  const writes = await world.writesOf(() => world.settle());

  expect(writes).toEqual([expect.stringContaining('createConfig'), 'updateService signalbox-proxy-east']);
  expect(world.swarm.service('signalbox-proxy').index).toBe(index);
});

it('keeps publishing to a cluster when the extension of another is down', async () => {
  const world = new ControllerWorld({ settings: two });
  world.swarm.deploy(aService('shop'));
  await world.settle();
  const before = world.served();

  world.extension.away.add('signalbox-extension');
  world.swarm.deploy(aService('news'));
  world.swarm.deploy(inEast('blog'));
  await expect(world.pass()).rejects.toThrow('Extension signalbox-extension: render request failed');
  world.swarm.service('signalbox-proxy-east').finish();

  expect(serverOf(world.served('signalbox-proxy-east'), 'blog.example.org')).toBeDefined();
  expect(world.served()).toBe(before);

  world.extension.away.clear();
  await world.settle();
  expect(serverOf(world.served(), 'news.example.org')).toBeDefined();
});

it('reports every cluster with a problem', async () => {
  const world = new ControllerWorld({ settings: two });
  for (const name of ['signalbox-extension', 'signalbox-extension-east']) world.extension.away.add(name);

  const trouble = expect(world.pass()).rejects;

  await trouble.toThrow(/signalbox-extension: .*signalbox-extension-east: /);
});

it('removes the objects of a cluster that is no longer configured before another cluster takes its ports', async () => {
  const world = new ControllerWorld({ settings: two });
  world.swarm.deploy(inEast('blog'));
  await world.settle();

  const renamed = world.restart({ Extensions: { default: {}, west: east } });
  await renamed.settle();

  const names = renamed.swarm.services.map(({ name }) => name).toSorted();
  expect(names).toEqual(['signalbox-extension', 'signalbox-extension-west', 'signalbox-proxy', 'signalbox-proxy-west']);
  const owners = [...renamed.swarm.configs, ...renamed.swarm.secrets].map(
    ({ labels }) => labels['com.signalbox.cluster'],
  );
  expect(new Set(owners)).toEqual(new Set(['default', 'west']));
});

it('continues if an object of a removed cluster cannot be deleted', async () => {
  const world = new ControllerWorld({ settings: two });
  world.swarm.deploy(inEast('blog'));
  await world.settle();

  world.swarm.deploy(aService('shop'));
  const smaller = world.restart();
  smaller.swarm.failNext('removeConfig', new RetryableError('in use by the following service: curious'));
  await expect(smaller.pass()).rejects.toThrow('in use');
  smaller.swarm.service('signalbox-proxy').finish();

  expect(serverOf(smaller.served(), 'shop.example.org')).toBeDefined();
});

it('reports services that name an unknown cluster', async () => {
  const world = new ControllerWorld();

  world.swarm.deploy(inEast('blog'));
  await world.settle();

  expect(world.problems).toEqual([
    expect.objectContaining({ service: 'blog', label: 'com.docker.lb.service_cluster', value: 'east' }),
  ]);
});
