// TLS secrets that reach proxies encrypted, without replacing them.
import { beforeEach, describe, expect, it } from 'vitest';
import { encryptedSecretLabel } from '../../src/model/names.ts';
import { secretFile } from '../../src/model/secrets/secret-files.ts';
import { aService } from '../support/builders.ts';
import { ControllerWorld, serverOf } from '../support/controller-world.ts';
import { certificateFacts, secretFacts } from '../support/facts.ts';

let world: ControllerWorld;

const goodFacts = (name: string) => {
  const certificate = certificateFacts();
  return secretFacts(name, { certificates: [certificate], key: { kind: 'plain', publicKey: certificate.publicKey } });
};
async function addSecret(name: string): Promise<string> {
  world.secrets.facts.set(name, goodFacts(name));
  const id = await world.swarm.createSecret({ name, labels: {}, data: '' });
  return secretFile({ id, name });
}
const server = () => serverOf(world.served(), 'app.example.org')!;
const attached = () =>
  world.swarm
    .service('signalbox-proxy')
    .spec.TaskTemplate.ContainerSpec.Secrets.map(({ SecretName }: { SecretName: string }) => SecretName);
const tasks = () => world.swarm.service('signalbox-proxy').tasks.map(({ id }) => id);
const jobs = () => world.swarm.services.filter(({ name }) => name.endsWith('-secrets'));
const stored = () => world.swarm.configs.filter(({ labels }) => labels[encryptedSecretLabel] !== undefined);
const reasons = () => world.problems.map(({ reason }) => reason);

beforeEach(async () => {
  world = new ControllerWorld({ agents: true, inPlace: true });
  world.swarm.deploy(aService('app'));
  await world.settle();
});

describe('a secret that a label names', () => {
  it('is served by the same tasks, from a file with a part of its ID', async () => {
    const before = tasks();
    const file = await addSecret('site');
    world.swarm.deploy(aService('app', { lb: { ssl_cert: 'site' } }));
    await world.settle();

    expect(server()).toContain(`ssl_certificate $secrets/${file};`);
    expect(world.served()).toContain('default /tmp/secrets;');
    expect(world.served()).toContain(`"file":"${file}"`);
    expect(tasks()).toEqual(before);
    expect(attached()).toEqual([expect.stringMatching(/^signalbox\.proxy\./)]);
    expect(jobs()).toEqual([]);
  });

  it('is read once, also by a controller that starts later', async () => {
    await addSecret('site');
    world.swarm.deploy(aService('app', { lb: { ssl_cert: 'site' } }));
    await world.settle();
    world = world.restart();

    expect(await world.writesOf(() => world.settle())).toEqual([]);
    expect(world.secrets.reads.get('site')).toBe(1);
  });

  it('that is rotated is served by the same tasks', async () => {
    await addSecret('site');
    world.swarm.deploy(aService('app', { lb: { ssl_cert: 'site' } }));
    await world.settle();
    const before = tasks();
    const file = await addSecret('site-2');
    world.swarm.deploy(aService('app', { lb: { ssl_cert: 'site-2' } }));
    await world.settle();

    expect(server()).toContain(`ssl_certificate $secrets/${file};`);
    expect(tasks()).toEqual(before);
  });

  it('is forgotten once it is removed', async () => {
    await addSecret('site');
    world.swarm.deploy(aService('app', { lb: { ssl_cert: 'site' } }));
    await world.settle();
    expect(stored()).toHaveLength(1);

    world.swarm.deploy(aService('app'));
    await world.swarm.removeSecret(world.swarm.secrets.find(({ name }) => name === 'site')!.id);
    await world.settle();
    expect(stored()).toEqual([]);
  });

  it('that is no TLS material never leaves the job, and is a problem', async () => {
    await addSecret('password');
    world.secrets.facts.set('password', secretFacts('password', { isMaterial: false, rejected: 'no start line' }));
    world.swarm.deploy(aService('app', { lb: { ssl_cert: 'password' } }));
    await world.settle();

    expect(world.served()).not.toContain('"file":"password');
    expect(reasons().join()).toMatch(/^secret password contains neither a certificate nor a private key/);
    expect(await world.writesOf(() => world.settle())).toEqual([]);
  });
});

describe('certificates that the settings list', () => {
  const withList = (...Certificates: string[]) => ({ Extensions: { default: { Certificates } } });

  it('serve hosts without a certificate of their own, by the same tasks', async () => {
    const before = tasks();
    const file = await addSecret('site');
    world = world.restart(withList('site'));
    await world.settle();

    expect(server()).toContain(`ssl_certificate $secrets/${file};`);
    expect(tasks()).toEqual(before);
    expect(reasons()).toEqual([]);
  });

  it('hand over to their successors once these are read, and HTTPS never ends', async () => {
    const first = await addSecret('site-1');
    world = world.restart(withList('site-1'));
    await world.settle();
    const before = tasks();
    const second = await addSecret('site-2');
    world.secrets.isAway = true;
    world = world.restart(withList('site-2'));
    await world.passes(5);
    expect(server()).toContain(`ssl_certificate $secrets/${first};`);

    world.secrets.isAway = false;
    world.secrets.start();
    await world.settle();
    expect(server()).toContain(`ssl_certificate $secrets/${second};`);
    expect(tasks()).toEqual(before);
  });

  it('leave the last good one in place if the new one is invalid', async () => {
    const first = await addSecret('site-1');
    world = world.restart(withList('site-1'));
    await world.settle();
    await addSecret('site-2');
    world.secrets.facts.set('site-2', secretFacts('site-2', { isBroken: true, rejected: 'bad end line' }));
    world = world.restart(withList('site-2'));
    await world.settle();

    expect(server()).toContain(`ssl_certificate $secrets/${first};`);
    expect(reasons().join()).toContain('the certificate in secret site-2 is rejected');
  });
});

it('fifty secrets at once cause one job and no roll-out', async () => {
  const before = tasks();
  for (let n = 0; n < 50; n++) {
    await addSecret(`site-${n}`);
    world.swarm.deploy(aService(`app-${n}`, { host: `app-${n}.example.org`, lb: { ssl_cert: `site-${n}` } }));
  }
  const writes = await world.writesOf(() => world.settle());

  expect(writes.filter((write) => /Service/.test(write))).toEqual([
    'createService signalbox-proxy-secrets',
    'removeService signalbox-proxy-secrets',
  ]);
  expect(tasks()).toEqual(before);
  expect(stored()).toHaveLength(50);
});

it('changes of other services do not wait for a job', async () => {
  world.secrets.isAway = true;
  await addSecret('site');
  world.swarm.deploy(aService('app', { lb: { ssl_cert: 'site' } }));
  world.swarm.deploy(aService('other'));
  await world.passes(5);

  expect(serverOf(world.served(), 'other.example.org')).toBeDefined();
  world.swarm.clock.advance(31_000);
  await world.pass();
  expect(reasons().join()).toContain('The job that reads secrets does not answer, so the proxies do not have site');
});

it('a config that the controller has not signed is ignored', async () => {
  await addSecret('site');
  world.swarm.deploy(aService('app', { lb: { ssl_cert: 'site' } }));
  await world.settle();
  const [config] = stored();
  const forged = JSON.stringify({
    read: JSON.stringify({
      id: config!.labels[encryptedSecretLabel],
      facts: goodFacts('site'),
      ciphertext: 'RkFLRQ==',
    }),
    signature: 'AAAA',
  });
  await world.swarm.removeConfig(config!.id);
  await world.swarm.createConfig({ name: 'forged', labels: config!.labels, data: forged });
  await world.settle();

  expect(world.served()).not.toContain('RkFLRQ==');
  expect(world.secrets.reads.get('site')).toBe(2);
});

it('proxies of an earlier release keep their mounted secrets until all of them are read', async () => {
  world = new ControllerWorld({ agents: true });
  await addSecret('site');
  world.swarm.deploy(aService('app', { lb: { ssl_cert: 'site' } }));
  await world.settle();
  expect(attached()).toContain('site');

  const { swarm, extension } = world;
  world = new ControllerWorld({ agents: true, inPlace: true, swarm, extension });
  world.secrets.facts.set('site', goodFacts('site'));
  world.secrets.isAway = true;
  await world.passes(5);
  expect(attached()).toContain('site');

  world.secrets.isAway = false;
  world.secrets.start();
  await world.settle();
  expect(attached()).not.toContain('site');
  expect(world.served()).toContain('"file":"site.');
});

describe('the last good certificate', () => {
  const deployWith = async (secret: string) => {
    world.swarm.deploy(aService('app', { lb: { ssl_cert: secret } }));
  };

  it('serves while its successor is read', async () => {
    const first = await addSecret('site');
    await deployWith('site');
    await world.settle();
    const second = await addSecret('site-2');
    await deployWith('site-2');
    world.secrets.isAway = true;
    await world.passes(4);
    expect(server()).toContain(`ssl_certificate $secrets/${first};`);
    expect(reasons()).toEqual([]);

    world.secrets.isAway = false;
    world.secrets.start();
    await world.settle();
    expect(server()).toContain(`ssl_certificate $secrets/${second};`);
  });

  it('serves while its successor is invalid, and the problem says so', async () => {
    const first = await addSecret('site');
    await deployWith('site');
    await world.settle();
    await addSecret('broken');
    world.secrets.facts.set('broken', secretFacts('broken', { isBroken: true, rejected: 'bad base64 decode' }));
    await deployWith('broken');
    await world.settle();

    expect(server()).toContain(`ssl_certificate $secrets/${first};`);
    expect(server()).not.toContain('return 503');
    expect(world.problems).toMatchObject([
      { reason: expect.stringContaining('secret broken'), remedy: expect.stringContaining('secret site serves') },
    ]);
  });

  it('never serves hosts that it does not cover', async () => {
    await addSecret('site');
    await deployWith('site');
    await world.settle();
    await addSecret('broken');
    world.secrets.facts.set('broken', secretFacts('broken', { isBroken: true, rejected: 'bad base64 decode' }));
    world.swarm.deploy(aService('other', { host: 'other.example.org', lb: { ssl_cert: 'broken' } }));
    await world.settle();

    expect(serverOf(world.served(), 'other.example.org')).toContain('return 503');
  });
});
