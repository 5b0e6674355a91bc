// What proxies find in secrets, and what becomes of the routes that name them.
import { beforeEach, describe, expect, it } from 'vitest';
import type { SecretFacts } from '../../src/model/material.ts';
import { aService } from '../support/builders.ts';
import { ControllerWorld, serverOf } from '../support/controller-world.ts';

const day = 86_400_000;
const app = aService('app', { lb: { ssl_cert: 'site' } });
const addSecret = () => world.swarm.createSecret({ name: 'site', labels: {}, data: '' });
let world: ControllerWorld;

function facts(name: string, untilDays = 300): SecretFacts {
  const now = world.swarm.clock.now();
  const certificate = {
    names: ['app.example.org'],
    from: new Date(now - day).toISOString(),
    until: new Date(now + untilDays * day).toISOString(),
    publicKey: '0'.repeat(32),
    rsaBits: 0,
    isFollowedByIssuer: true,
    wantsStapling: false,
    responder: '',
  };
  const key = { kind: 'plain', publicKey: '0'.repeat(32) } as const;
  return { name, certificates: [certificate], isBroken: false, key, stapledWith: [] };
}
const garbage = (name: string): SecretFacts => ({
  name,
  certificates: [],
  isBroken: true,
  key: { kind: 'none' },
  stapledWith: [],
});

beforeEach(async () => {
  world = new ControllerWorld({ agents: true });
  await addSecret();
  world.swarm.deploy(app);
  world.swarm.deploy(aService('other'));
  await world.settle();
});

const isOpen = () => !serverOf(world.served(), 'app.example.org')!.includes('503');
const attached = () =>
  world.swarm
    .service('signalbox-proxy')
    .spec.TaskTemplate.ContainerSpec.Secrets.map(({ SecretName }: { SecretName: string }) => SecretName);
const complaints = () => world.problems.filter(({ service }) => service === 'app').map(({ reason }) => reason);

it('changes for several services in a burst with one roll-out', async () => {
  const names = ['a', 'b', 'c'];
  for (const name of names) world.swarm.deploy(aService(name, { lb: { ssl_cert: 'site' } }));
  for (const name of names) await world.swarm.createSecret({ name: `new-${name}`, labels: {}, data: '' });
  await world.settle();

  for (const name of names) world.swarm.deploy(aService(name, { lb: { ssl_cert: `new-${name}` } }));
  const writes = await world.writesOf(() => world.settle());

  expect(writes.filter((write) => write.includes('Service'))).toEqual(['updateService signalbox-proxy']);
  expect(attached()).toEqual(expect.arrayContaining(names.map((name) => `new-${name}`)));
});

describe('a secret', () => {
  it('is believed in until a proxy tells of it', () => {
    expect(isOpen()).toBe(true);
    expect(complaints()).toEqual([]);
  });

  it('that is good changes nothing', async () => {
    world.extension.secrets = [facts('site')];

    expect(await world.writesOf(() => world.settle())).toEqual([]);
  });

  it('that is bad closes its route in place, stays attached, and is complained of for good', async () => {
    const tasks = world.swarm.service('signalbox-proxy').tasks.length;
    world.extension.secrets = [garbage('site')];
    await world.settle();

    expect(isOpen()).toBe(false);
    expect(complaints()).toEqual(['holds a certificate that cannot be read']);
    expect(attached()).toContain('site');
    expect(world.swarm.service('signalbox-proxy').tasks).toHaveLength(tasks);
    expect(serverOf(world.served(), 'other.example.org')).not.toContain('503');
    expect(await world.writesOf(() => world.settle())).toEqual([]);
  });

  it('is still known when the extension has started anew', async () => {
    world.extension.secrets = [garbage('site')];
    await world.settle();
    world.extension.secrets = [];

    expect(await world.writesOf(() => world.settle())).toEqual([]);
    expect(isOpen()).toBe(false);
  });

  it('is judged anew as time goes by', async () => {
    world.extension.secrets = [facts('site', 40)];
    await world.settle();
    expect(complaints()).toEqual([]);

    world.swarm.clock.advance(11 * day);
    await world.settle();
    expect(complaints()).toMatchObject([expect.stringMatching(/^expires on/)]);
    expect(isOpen()).toBe(true);

    world.swarm.clock.advance(30 * day);
    await world.settle();
    expect(complaints()).toMatchObject([expect.stringMatching(/^is out of date since/)]);
    expect(isOpen()).toBe(false);
  });

  it('is forgotten with the secret, of which nothing is known when it comes again', async () => {
    world.extension.secrets = [garbage('site')];
    await world.settle();
    world.swarm.deploy(aService('app'));
    await world.settle();
    world.extension.secrets = [];
    await world.swarm.removeSecret(world.swarm.secrets.find(({ name }) => name === 'site')!.id);
    await world.settle();
    await addSecret();
    world.swarm.deploy(app);
    await world.settle();

    expect(complaints()).toEqual([]);
    expect(isOpen()).toBe(true);
  });
});
