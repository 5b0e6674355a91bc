// What proxies find in secrets, and how it affects the routes that use them.
import { beforeEach, describe, expect, it } from 'vitest';
import type { SecretFacts } from '../../src/model/secrets/secret-facts.ts';
import { aService } from '../support/builders.ts';
import { ControllerWorld, serverOf } from '../support/controller-world.ts';
import { certificateFacts, secretFacts } from '../support/facts.ts';

const day = 86_400_000;
const app = aService('app', { lb: { ssl_cert: 'site' } });
const addSecret = () => world.swarm.createSecret({ name: 'site', labels: {}, data: '' });
let world: ControllerWorld;

function facts(name: string, untilDays = 300): SecretFacts {
  const now = world.swarm.clock.now();
  const certificate = certificateFacts({
    from: new Date(now - day).toISOString(),
    until: new Date(now + untilDays * day).toISOString(),
  });
  return secretFacts(name, { certificates: [certificate], key: { kind: 'plain', publicKey: certificate.publicKey } });
}
const garbage = (name: string): SecretFacts => secretFacts(name, { isBroken: true, rejected: 'bad base64 decode' });

beforeEach(async () => {
  world = new ControllerWorld({ agents: true });
  await addSecret();
  world.swarm.deploy(app);
  world.swarm.deploy(aService('other'));
  await world.settle();
});

const isOpen = () => !serverOf(world.served(), 'app.example.org')!.includes('return 503');
const attached = () =>
  world.swarm
    .service('signalbox-proxy')
    .spec.TaskTemplate.ContainerSpec.Secrets.map(({ SecretName }: { SecretName: string }) => SecretName);
const complaints = () => world.problems.filter(({ service }) => service === 'app').map(({ reason }) => reason);

it('changed secrets of several services, in a burst, cause one roll-out', async () => {
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
  it('is trusted until a proxy reports on it', () => {
    expect(isOpen()).toBe(true);
    expect(complaints()).toEqual([]);
  });

  it('that is valid changes nothing', async () => {
    world.extension.secrets = [facts('site')];

    expect(await world.writesOf(() => world.settle())).toEqual([]);
  });

  it('that is invalid closes its route in place, stays attached, and stays reported', async () => {
    const tasks = world.swarm.service('signalbox-proxy').tasks.length;
    world.extension.secrets = [garbage('site')];
    await world.settle();

    expect(isOpen()).toBe(false);
    expect(complaints()).toEqual(['the certificate in secret site is rejected: a PEM block is not valid base64']);
    expect(attached()).toContain('site');
    expect(world.swarm.service('signalbox-proxy').tasks).toHaveLength(tasks);
    expect(serverOf(world.served(), 'other.example.org')).not.toContain('return 503');
    expect(await world.writesOf(() => world.settle())).toEqual([]);
  });

  it('is still known after the extension restarts', async () => {
    world.extension.secrets = [garbage('site')];
    await world.settle();
    world.extension.secrets = [];

    expect(await world.writesOf(() => world.settle())).toEqual([]);
    expect(isOpen()).toBe(false);
  });

  it('is checked again as time passes', async () => {
    world.extension.secrets = [facts('site', 40)];
    await world.settle();
    expect(complaints()).toEqual([]);

    world.swarm.clock.advance(11 * day);
    await world.settle();
    expect(complaints()).toMatchObject([expect.stringMatching(/^the certificate in secret site expires on/)]);
    expect(isOpen()).toBe(true);

    world.swarm.clock.advance(30 * day);
    await world.settle();
    expect(complaints()).toMatchObject([expect.stringMatching(/^the certificate in secret site expired on/)]);
    expect(isOpen()).toBe(false);
  });

  it('that several services use is one problem, logged once', async () => {
    world.extension.secrets = [facts('site', 10)];
    await world.settle();
    world.swarm.deploy(aService('second', { host: 'app.example.org', lb: { ssl_cert: 'site', context_root: '/x' } }));
    await world.settle();

    const [problem, ...others] = world.problems;
    expect(others).toEqual([]);
    expect(problem!.affects!.map(({ service, routes }) => [service, routes])).toEqual([
      ['app', ['app.example.org/']],
      ['second', ['app.example.org/x']],
    ]);
    expect(world.messages('Problem appeared')).toHaveLength(1);
    expect(world.messages('Problem resolved')).toEqual([]);
  });

  it('is forgotten when the secret is removed, and unknown when it is created again', async () => {
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

describe('a secret with users', () => {
  const guarded = aService('app', { lb: { basic_auth: 'site' } });
  const users = (facts: SecretFacts['users']) => secretFacts('site', { isMaterial: false, users: facts });
  beforeEach(async () => {
    world.swarm.deploy(guarded);
    await world.settle();
  });

  it('is attached, and stays attached once proxies report its users', async () => {
    expect(attached()).toContain('site');
    world.extension.secrets = [users({ count: 3 })];

    expect(await world.writesOf(() => world.settle())).toEqual([]);
    expect(isOpen()).toBe(true);
    expect(serverOf(world.served(), 'app.example.org')).toContain('auth_basic_user_file $secrets/site;');
    expect(complaints()).toEqual([]);
  });

  it.each([
    ['plain', 'line 2 of secret site has a password without a hash'],
    ['scheme', 'line 2 of secret site has a hash of an unsupported scheme'],
    ['malformed', 'line 2 of secret site has an incomplete hash'],
    [
      'costly',
      'line 2 of secret site has a hash that takes too long to check (bcrypt cost above 10, or more than 50000 rounds)',
    ],
    ['separator', 'line 2 of secret site is not of the form name:hash'],
  ] as const)('closes the route and stays attached if a line is wrong: %s', async (kind, reason) => {
    world.extension.secrets = [users({ count: 1, fault: { line: 2, kind } })];
    await world.settle();

    expect(isOpen()).toBe(false);
    expect(complaints()).toEqual([reason]);
    expect(attached()).toContain('site');
  });

  it.each([
    [{ count: 0 }, /^secret site contains no users, so the proxies no longer receive it$/],
    [
      { count: 0, fault: { line: 1, kind: 'plain' } },
      /^line 1 .* without a hash, so the proxies no longer receive it$/,
    ],
  ] as const)('closes the route and is detached if it has none: %j', async (facts, reason) => {
    world.extension.secrets = [users(facts)];
    await world.settle();
    world.extension.secrets = [];
    await world.settle();

    expect(isOpen()).toBe(false);
    expect(complaints()).toEqual([expect.stringMatching(reason)]);
    expect(attached()).not.toContain('site');
  });

  it('is no certificate', async () => {
    world.swarm.deploy(app);
    world.extension.secrets = [users({ count: 3 })];
    await world.settle();

    expect(complaints()).toEqual(['secret site contains neither a certificate nor a private key in PEM format']);
    expect(attached()).toContain('site');
  });
});

it('never shows a password that is written into a label', async () => {
  world.swarm.deploy(
    aService('app', { lb: { basic_auth: 'admin:hunter2', basic_auth_user: 'admin:$apr1$salt$hash' } }),
  );
  await world.settle();

  expect(isOpen()).toBe(false);
  expect(complaints()).toHaveLength(2);
  expect(JSON.stringify([world.problems, world.messages('Problem appeared')])).not.toMatch(/hunter2|apr1/);
});

it('certificates that the settings list are mounted, and serve once a proxy has reported their names', async () => {
  await world.swarm.createSecret({ name: 'listed', labels: {}, data: '' });
  world = world.restart({ Extensions: { default: { Certificates: ['listed'] } } });
  await world.settle();
  const plain = serverOf(world.served(), 'other.example.org');
  expect(attached()).toContain('listed');
  expect(plain).not.toContain('ssl_certificate');

  const certificate = { ...facts('listed').certificates[0]!, names: ['*.example.org'] };
  world.extension.secrets = [{ ...facts('listed'), certificates: [certificate] }];
  await world.settle();

  expect(serverOf(world.served(), 'other.example.org')).toContain('ssl_certificate $secrets/listed;');
  // Its label names another one.
  expect(serverOf(world.served(), 'app.example.org')).toContain('ssl_certificate $secrets/site;');
  expect(world.problems).toEqual([]);
});
