// Failures around the controller: nothing is published from an incomplete observation, and the next pass recovers.

import { expect, it } from 'vitest';
import { ConflictError } from '../../src/controller/ports.ts';
import { RetryableError } from '../../src/lib/retryable.ts';
import { aService } from '../support/builders.ts';
import { ControllerWorld, serverOf } from '../support/controller-world.ts';
import type { Operation } from '../support/fake-swarm.ts';

const away = new RetryableError('connect ECONNREFUSED /var/run/docker.sock');

it('publishes nothing if the swarm cannot be observed', async () => {
  const world = new ControllerWorld();
  world.swarm.deploy(aService('shop'));
  await world.settle();
  world.swarm.deploy(aService('blog'));

  const writes = await world.writesOf(async () => {
    world.swarm.failNext('observe', away);
    await expect(world.pass()).rejects.toThrow('ECONNREFUSED');
  });

  expect(writes).toEqual([]);
  await world.settle();
  expect(serverOf(world.served(), 'blog.example.org')).toBeDefined();
});

const operations = ['tasks', 'createConfig', 'createSecret', 'createService', 'updateService', 'removeConfig'] as const;

it.each(operations.flatMap((operation) => [false, true].map((afterwards) => ({ operation, afterwards }))))(
  'recovers from a failed $operation (answer lost: $afterwards)',
  async ({ operation, afterwards }) => {
    const world = new ControllerWorld();
    world.swarm.failNext(operation, away, { afterwards });

    for (let change = 0; change < 14; change++) {
      world.swarm.deploy(aService('shop', { host: `change-${change}.example.org` }));
      await world.settle().catch((error) => expect(error).toBe(away));
    }
    await world.settle();

    expect(serverOf(world.served(), 'change-13.example.org')).toBeDefined();
    expect(world.swarm.configs).toHaveLength(11);
    expect(world.swarm.secrets).toHaveLength(1);
    expect(await world.writesOf(() => world.passes(5))).toEqual([]);
  },
);

it('observes again if a service has changed since it was observed', async () => {
  const world = new ControllerWorld();
  world.swarm.deploy(aService('shop'));
  await world.settle();
  world.swarm.deploy(aService('blog'));

  const stale = await world.swarm.observe();
  world.swarm.amend('signalbox-proxy', (spec) => {
    spec.Labels.note = 'by hand';
  });
  const observe = world.swarm.observe.bind(world.swarm);
  world.swarm.observe = async () => ({ ...stale, services: (await observe()).services });
  await expect(world.pass()).rejects.toThrow(ConflictError);
  world.swarm.observe = observe;
  await world.settle();

  expect(serverOf(world.served(), 'blog.example.org')).toBeDefined();
  expect(world.swarm.service('signalbox-proxy').spec.Labels.note).toBe('by hand');
});

it('leaves out a service that nginx rejects, and publishes the others', async () => {
  const world = new ControllerWorld();
  world.extension.complaint = (text) => (text.includes('bad.example.org') ? 'invalid something' : undefined);

  for (const name of ['shop', 'bad', 'blog', 'news']) world.swarm.deploy(aService(name));
  await world.settle();

  expect(serverOf(world.served(), 'bad.example.org')).toBeUndefined();
  for (const name of ['shop', 'blog', 'news']) expect(serverOf(world.served(), `${name}.example.org`)).toBeDefined();
  expect(world.problems).toEqual([
    expect.objectContaining({ service: 'bad', reason: expect.stringContaining('invalid something') }),
  ]);
});

it('keeps serving the previous version if nginx rejects the settings', async () => {
  const world = new ControllerWorld();
  world.swarm.deploy(aService('shop'));
  await world.settle();
  const served = world.served();

  world.extension.complaint = () => 'unknown directive "oops"';
  world.swarm.deploy(aService('blog'));
  const writes = await world.writesOf(() => world.passes(5));

  expect(writes).toEqual([]);
  expect(world.served()).toBe(served);
  expect(world.problems).toEqual([
    expect.objectContaining({ severity: 'error', cluster: 'default', reason: expect.stringContaining('oops') }),
  ]);

  world.extension.complaint = () => undefined;
  await world.settle();
  expect(serverOf(world.served(), 'blog.example.org')).toBeDefined();
  expect(world.problems).toEqual([]);
});

it('reports a missing template, and uses it once it exists', async () => {
  const settings = { Extensions: { default: { Template: 'own-template' } } };
  const world = new ControllerWorld({ settings });
  await world.pass();

  expect(world.problems).toEqual([
    expect.objectContaining({
      reason: expect.stringContaining('Docker config own-template, named by Template, does not exist'),
    }),
  ]);

  world.swarm.addConfig('own-template', '# mine\n{{> nginx.conf}}');
  await world.settle();

  expect(world.served()).toMatch(/^# mine\n/);
  expect(world.problems).toEqual([]);
});

it('does not report a problem as new because an extension was down meanwhile', async () => {
  const world = new ControllerWorld();
  world.extension.complaint = (text) => (text.includes('bad.example.org') ? 'invalid something' : undefined);
  world.swarm.deploy(aService('bad'));
  await world.settle();

  world.extension.away.add('signalbox-extension');
  await expect(world.pass()).rejects.toThrow('render request failed');
  world.extension.away.clear();
  await world.settle();

  expect(world.messages('Problem appeared')).toHaveLength(1);
  expect(world.messages('Problem resolved')).toEqual([]);
});

it('logs a problem once when it appears and once when it is gone', async () => {
  const world = new ControllerWorld();
  world.swarm.deploy(aService('shop', { port: 'eighty' }));
  await world.settle();
  await world.passes(10);

  expect(world.messages('Problem appeared')).toEqual([
    expect.objectContaining({ level: 40, service: 'shop', label: 'com.docker.lb.port', value: 'eighty' }),
  ]);
  expect(serverOf(world.served(), 'shop.example.org')).toContain('return 503');

  world.swarm.deploy(aService('shop'));
  await world.settle();
  await world.passes(10);

  expect(world.messages('Problem resolved')).toEqual([expect.objectContaining({ level: 30, service: 'shop' })]);
  expect(world.problems).toEqual([]);
});

const silent: readonly Operation[] = ['observe', 'tasks'];

it.each(silent)('does not log a failed %s itself, since the loop does', async (operation) => {
  const world = new ControllerWorld();
  await world.settle();
  const logged = world.logs.length;

  world.swarm.failNext(operation, away);
  await expect(world.pass()).rejects.toBe(away);

  expect(world.logs).toHaveLength(logged);
});
